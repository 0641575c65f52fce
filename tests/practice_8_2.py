"""Right answers of section 8.2 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers import models, summary

GREY = (1, 1, 224, 224)


def layers_of(name):
    """The layers with weights of a network that is built for counting."""
    with torch.device("meta"):
        net = models.build(name)
    return [row for row in summary.layers(net, GREY) if row.parameters]


TWO = {name: layers_of(name) for name in ("alexnet", "vgg11")}
PARAMETERS = [sum(row.parameters for row in rows) for rows in TWO.values()]
MACS = [
    [
        sum(row.macs for row in rows if row.kind == kind) / 1e6
        for kind in ("Conv2d", "Linear")
    ]
    for rows in TWO.values()
]
BLOCKS = models.VGG_BLOCKS["vgg11"]


def narrow(channels, size, hidden, classes):
    """Hidden layers an eighth as wide."""
    return nn.Sequential(
        nn.Flatten(),
        nn.LazyLinear(hidden // 8),
        nn.ReLU(),
        nn.Dropout(),
        nn.LazyLinear(hidden // 8),
        nn.ReLU(),
        nn.LazyLinear(classes),
    )


class Reduced(nn.Module):
    """A 1 x 1 convolution to a map for each class, then its average."""

    def __init__(self, channels, size, hidden, classes):
        super().__init__()
        self.maps = nn.Conv2d(channels, classes, 1)

    def forward(self, X):
        return self.maps(X).relu().mean((2, 3))


class LazyVGG(nn.Module):
    """Blocks as modules, lazy layers, functions in between."""

    def __init__(self, layers, width):
        super().__init__()
        count = {16: 3, 19: 4}[layers]
        table = [(2, 1), (2, 2), (count, 4), (count, 8), (count, 8)]
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                nn.LazyConv2d(times * width, 3, padding="same")
                for _ in range(number)
            )
            for number, times in table
        )
        self.last = nn.LazyLinear(10)
        self.hidden = nn.ModuleList(
            nn.LazyLinear(64 * width) for _ in range(2)
        )

    def forward(self, X):
        for block in self.blocks:
            for conv in block:
                X = F.relu(conv(X))
            X = F.max_pool2d(X, 2, stride=2)
        X = X.flatten(1)
        for dense in self.hidden:
            X = F.dropout(F.relu(dense(X)), 0.5, self.training)
        return self.last(X)


def as_helper(layers, width):
    """The book's own network, with smaller hidden layers."""
    whole = models.VGG_BLOCKS[f"vgg{layers}"]
    arch = [(number, channels * width // 64) for number, channels in whole]
    return models.VGG(arch, in_channels=3, hidden=64 * width).double()


def on_meta(pixels, arch):
    """Counted by the book's summary."""
    with torch.device("meta"):
        net = models.VGG(arch)
    rows = summary.layers(net.features, (1, 1, pixels, pixels))
    macs = sum(row.macs for row in rows if row.kind == "Conv2d")
    return torch.tensor([macs, rows[-1].output_shape[2]])


def in_numpy(pixels, arch):
    channels = [1]
    for number, after in arch:
        channels += number * [after]
    places = []
    for block, (number, _) in enumerate(arch):
        places += number * [math.floor(pixels / 2**block) ** 2]
    channels = np.array(channels)
    macs = 9 * (channels[:-1] * channels[1:] * np.array(places)).sum()
    return macs, pixels // 2 ** len(arch)


STYLES = {
    "8.2.1a": [PARAMETERS, np.array(PARAMETERS), torch.tensor(PARAMETERS)],
    "8.2.1b": [MACS, np.array(MACS), np.array(MACS).round()],
    "8.2.1c": [narrow, Reduced],
    "8.2.2": [[number for number, _ in BLOCKS] + [1, 1, 1]],
    "8.2.3": [LazyVGG, as_helper],
    "8.2.4": [on_meta, in_numpy],
}
EQUAL = {
    "8.2.1c": {
        (
            "nn.AdaptiveAvgPool2d",
            "nn.AdaptiveMaxPool2d",
        ): "a maximum over all places saves as much",
        (
            "hidden // 8",
            "hidden",
        ): "a wide second hidden layer behind a narrow first is cheap",
        ("nn.ReLU", "nn.Sigmoid"): "an activation has no parameters",
    },
    "8.2.4": {
        (
            "rows[-1].output_shape[2]",
            "rows[-1].output_shape[3]",
        ): "the images are square",
    },
}
