"""Right answers of section 8.6 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers import models


def by_layers(before, c1, c2, c3, c4):
    """Counted from the layers of the book's blocks."""
    after = c1 + c2[1] + c3[1] + c4
    blocks = (
        models.InceptionBlock(before, c1, c2, c3, c4),
        models.Residual(before, after),
    )
    found = [
        sum(p.numel() for p in block.parameters() if p.ndim == 4)
        for block in blocks
    ]
    return np.array(found)


def in_lists(before, c1, c2, c3, c4):
    convs = [(before, c1, 1), (before, c2[0], 1), (c2[0], c2[1], 3)]
    convs += [(before, c3[0], 1), (c3[0], c3[1], 5), (before, c4, 1)]
    after = c1 + c2[1] + c3[1] + c4
    plain = [(before, after, 3), (after, after, 3), (before, after, 1)]
    return torch.tensor(
        [sum(a * b * k**2 for a, b, k in some) for some in (convs, plain)]
    )


class TextResidual(nn.Module):
    """The block of D2L: lazy, with biases, a projection alone."""

    def __init__(self, channels, project, stride):
        super().__init__()
        self.conv1 = nn.LazyConv2d(channels, 3, stride, padding=1)
        self.conv2 = nn.LazyConv2d(channels, 3, padding=1)
        self.conv3 = nn.LazyConv2d(channels, 1, stride) if project else None
        self.bn1, self.bn2 = nn.LazyBatchNorm2d(), nn.LazyBatchNorm2d()

    def forward(self, X):
        Y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(X)))))
        return F.relu(Y + (self.conv3(X) if self.conv3 else X))


class TextBottleneck(nn.Module):
    """The same with three convolutions; the stride is in the first."""

    def __init__(self, inner, project, stride):
        super().__init__()
        after = 4 * inner
        self.conv3 = nn.LazyConv2d(after, 1, stride) if project else None
        self.convs = nn.ModuleList(
            [
                nn.LazyConv2d(inner, 1, stride),
                nn.LazyConv2d(inner, 3, padding=1),
                nn.LazyConv2d(after, 1),
            ]
        )
        self.norms = nn.ModuleList(nn.LazyBatchNorm2d() for _ in range(3))

    def forward(self, X):
        Y = X
        for conv, norm in zip(self.convs, self.norms, strict=True):
            Y = norm(conv(F.relu(Y) if conv is not self.convs[0] else Y))
        return F.relu(Y + (self.conv3(X) if self.conv3 else X))


def of_the_text(layers, width):
    table = {
        18: (TextResidual, (2, 2, 2, 2)),
        34: (TextResidual, (3, 4, 6, 3)),
        50: (TextBottleneck, (3, 4, 6, 3)),
        101: (TextBottleneck, (3, 4, 23, 3)),
        152: (TextBottleneck, (3, 8, 36, 3)),
    }
    block, depths = table[layers]
    net = nn.Sequential(
        nn.LazyConv2d(width, 7, 2, 3),
        nn.LazyBatchNorm2d(),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    for stage, depth in enumerate(depths):
        for i in range(depth):
            down = 2 if i == 0 and stage > 0 else 1
            project = i == 0 and (stage > 0 or block is TextBottleneck)
            net.append(block(width * 2**stage, project, down))
    net.append(nn.AdaptiveAvgPool2d((1, 1)))
    net.append(nn.Flatten())
    return net.append(nn.LazyLinear(10))


def of_the_book(layers, width):
    block, depths = models.RESNETS[f"resnet{layers}"]
    widths = [width * times for times in (1, 2, 4, 8)]
    return models.ResNet(block, depths, 3, widths=widths)


def with_biases(channels):
    return TextBottleneck(channels // 4, False, 1).double()


class PreActivated(nn.Module):
    """Normalise, rectify, convolve; twice; in another order of layers."""

    def __init__(self, channels):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding="same")
            for _ in range(2)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(channels) for _ in range(2)
        )

    def forward(self, X):
        H = X
        for conv, norm in zip(self.convs, self.norms, strict=True):
            H = conv(norm(H).clamp(min=0))
        return X + H


def of_helpers(channels):
    return models.Bottleneck(channels, channels)


def new_order(channels):
    return models.PreActResidual(channels, channels)


STYLES = {
    "8.6.1": [by_layers, in_lists],
    # As partial functions, so that no errors are planted in these two:
    # each of them would take a while to be judged.
    "8.6.2": [partial(of_the_text), partial(of_the_book)],
    "8.6.3": [with_biases, of_helpers],
    "8.6.4": [PreActivated, new_order],
}
NO_EFFECT = "in front of a normalisation a bias does nothing"
STEM = "nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)"
NARROW = "nn.Conv2d(channels, inner, kernel_size=1, bias=False)"
MIDDLE = "nn.Conv2d(inner, inner, kernel_size=3, padding=1, bias=False)"
WIDE = "nn.Conv2d(inner, channels, kernel_size=1, bias=False)"
CONV = "nn.Conv2d(channels, channels, 3, padding=1, bias=False)"
EQUAL = {
    "8.6.1": {
        (
            "models.Residual",
            "models.PreActResidual",
        ): "both orders have the same convolutions",
    },
    "8.6.2": {(STEM, STEM.replace("False", "True")): NO_EFFECT},
    "8.6.3": {
        (conv, conv.replace("False", "True")): NO_EFFECT
        for conv in (NARROW, MIDDLE, WIDE)
    },
    "8.6.4": {
        (
            CONV,
            CONV.replace("False", "True"),
        ): "a bias changes nothing in the order, and D2L has biases",
    },
}
