"""Right answers of section 7.6 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class LazyLeNet(nn.Module):
    """Lazy layers, in another order, and functions between them."""

    def __init__(self, num_classes, activation=torch.sigmoid):
        super().__init__()
        self.scores = nn.LazyLinear(num_classes)
        self.dense = nn.ModuleList([nn.LazyLinear(120), nn.LazyLinear(84)])
        self.conv1 = nn.LazyConv2d(6, 5, padding="same")
        self.conv2 = nn.LazyConv2d(16, 5)
        self.activation = activation

    def forward(self, X):
        X = self.activation(F.max_pool2d(self.conv1(X), 2))
        X = self.activation(F.max_pool2d(self.conv2(X), (2, 2)))
        X = X.reshape(len(X), -1)
        for layer in self.dense:
            X = self.activation(layer(X))
        return self.scores(X)


def in_double(num_classes):
    return LazyLeNet(num_classes, torch.relu).double()


def appended(window):
    net = nn.Sequential()
    for channels in (6, 16):
        net.append(nn.LazyConv2d(channels, window, padding="same"))
        net.append(nn.MaxPool2d(2))
        net.append(nn.ReLU())
    net.append(nn.Flatten())
    for width in (120, 84):
        net.append(nn.LazyLinear(width))
        net.append(nn.ReLU())
    return net.append(nn.LazyLinear(10))


def layer_by_layer(c1, c2):
    first = c1 * 5 * 5 + c1
    second = c2 * c1 * 5 * 5 + c2
    dense = c2 * 5 * 5 * 120 + 120
    return first + second + dense + 120 * 84 + 84 + 84 * 10 + 10


def by_pytorch(c1, c2):
    net = nn.Sequential(
        nn.Conv2d(1, c1, 5),
        nn.Conv2d(c1, c2, 5),
        nn.Linear(c2 * 25, 120),
        nn.Linear(120, 84),
        nn.Linear(84, 10),
    )
    return sum(p.numel() for p in net.parameters())


def lazily(hidden):
    net = nn.Sequential(nn.Flatten())
    for width in hidden:
        net.append(nn.LazyLinear(width))
        net.append(nn.ReLU(inplace=True))
    net.append(nn.LazyLinear(10))
    return net


def in_numpy(first, second):
    n = len(first)
    variances = np.var(first, ddof=1) / n + np.var(second, ddof=1) / n
    return np.array([np.mean(first) - np.mean(second), variances**0.5])


def by_hand(first, second):
    n, errors = len(first), 0
    means = sum(first) / n, sum(second) / n
    for values, center in zip((first, second), means, strict=True):
        squares = [(value - center) ** 2 for value in values]
        errors += sum(squares) / (n - 1) / n
    return means[0] - means[1], errors**0.5


def last_column(train, test):
    last = torch.tensor(test, dtype=torch.float64)[:, -1]
    return last.mean(), last.std()


def with_numpy(train, test):
    last = np.array(test)[:, -1]
    return [last.mean(), last.std(ddof=1)]


def channel_by_channel(a, b):
    found = []
    for channel in range(a.shape[1]):
        one = np.array([np.mean(image[channel].numpy()) for image in a])
        two = np.array([np.mean(image[channel].numpy()) for image in b])
        within = (np.var(one, ddof=1) + np.var(two, ddof=1)) / 2
        distance = two.mean() - one.mean()
        found.append(distance / np.sqrt(within) if within else 0.0)
    return np.array(found)


def one_by_one(scores, labels):
    count = 0
    for row, label in zip(scores.double(), labels, strict=True):
        chances = row.exp() / row.exp().sum()
        best = int(chances.argmax())
        if chances[best] > 0.9 and best != label:
            count += 1
    return count / len(labels)


STYLES = {
    "7.6.1a": [LazyLeNet],
    "7.6.1b": [in_double],
    "7.6.2a": [appended],
    "7.6.2b": [layer_by_layer, by_pytorch],
    "7.6.2d": [lazily],
    "7.6.2e": [in_numpy, by_hand],
    "7.6.3": [last_column, with_numpy],
    "7.6.4": [channel_by_channel],
    "7.6.5": [one_by_one],
}
EQUAL = {
    "7.6.5": {
        (
            "chances.amax(1) > 0.9",
            "chances.amax(1) >= 0.9",
        ): "no softmax of these scores is exactly 0.9",
        (
            "chances[best] > 0.9",
            "chances[best] >= 0.9",
        ): "no softmax of these scores is exactly 0.9",
    },
}
