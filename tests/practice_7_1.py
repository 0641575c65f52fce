"""Right answers of section 7.1 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

from itertools import pairwise

import numpy as np
import scipy.signal
import torch
from torch import nn
from torch.nn import functional as F

from helpers import ops


def by_convolution(X, V1, u1, V2, u2):
    hidden = F.conv2d(X, V1.T[:, :, None, None], u1).relu()
    return F.conv2d(hidden, V2.T[:, :, None, None], u2)


def pixel_by_pixel(X, V1, u1, V2, u2):
    X, V1, u1, V2, u2 = (np.asarray(T) for T in (X, V1, u1, V2, u2))
    _, h, w = X.shape
    Y = np.full((len(u2), h, w), np.nan)
    for i in range(h):
        for j in range(w):
            hidden = np.maximum(V1.T @ X[:, i, j] + u1, 0)
            Y[:, i, j] = V2.T @ hidden + u2
    return Y


class PixelNetwork(nn.Module):
    def forward(self, X, V1, u1, V2, u2):
        points = X.double().permute(1, 2, 0)
        hidden = F.linear(points, V1.T.double(), u1.double()).clamp(min=0)
        return F.linear(hidden, V2.T.double(), u2.double()).permute(2, 0, 1)


def by_conv1d(X, V, u):
    kernel, padding = V.permute(2, 1, 0), len(V) // 2
    return F.conv1d(X.T[None], kernel, u, padding=padding)[0].T


def by_offsets(X, V, u):
    n, reach = X.shape[0], V.shape[0] // 2
    padded = np.pad(X, ((reach, reach), (0, 0)))
    H = np.zeros((n, 1)) + np.asarray(u)
    for a in range(2 * reach + 1):
        H = H + padded[a : a + n] @ np.asarray(V[a])
    return H


def by_dense_layer(X, V, u):
    n, reach = len(X), len(V) // 2
    W = torch.zeros(n, n, *V.shape[1:])
    for t in range(n):
        for s in range(n):
            if abs(s - t) <= reach:
                W[t, s] = V[s - t + reach]
    return u + torch.einsum("tscd,sc->td", W, X)


def by_joined_words(one, other, layers, width):
    reach = width
    for _ in range(layers - 1):
        reach = reach + width - 1

    def collect(text):
        found = []
        for start in range(len(text) - reach + 1):
            group = " ".join(text[start : start + reach])
            if group not in found:
                found.append(group)
        return sorted(found)

    return collect(one) != collect(other)


def by_trial(one, other, layers, width):
    torch.manual_seed(0)
    words = sorted(set(one + other))
    channels = [len(words)] + layers * [128]
    network = nn.Sequential()
    for n_in, n_out in pairwise(channels):
        network.append(nn.Conv1d(n_in, n_out, width))
        network.append(nn.ReLU())
    maxima = []
    for text in (one, other):
        places = torch.tensor([words.index(word) for word in text])
        signal = F.one_hot(places, len(words)).T.float()
        maxima.append(network(signal).amax(1))
    return not torch.allclose(*maxima, atol=1e-5)


def by_autograd(h, w, k, p):
    image = torch.zeros(1, 1, h, w, requires_grad=True)
    kernel = torch.ones(1, 1, k, k)
    F.conv2d(image, kernel, padding=p).sum().backward()
    return image.grad[0, 0]


def by_axes(h, w, k, p):
    def along(n):
        return [
            min(i, n + p - k) - max(-p, i - k + 1) + 1 for i in range(n)
        ]

    return np.outer(along(h), along(w))


def by_helper(h, w, k, p):
    return ops.window_counts((h, w), k, p)


def as_lists(h, w, k, p):
    def uses(i, n):
        starts = range(-p, n + p - k + 1)
        return sum(start <= i < start + k for start in starts)

    return [[uses(i, h) * uses(j, w) for j in range(w)] for i in range(h)]


def by_definition(f, g):
    h = []
    for i in range(len(f) + len(g) - 1):
        total = 0.0
        for a in range(len(f)):
            if 0 <= i - a < len(g):
                total += float(f[a]) * float(g[i - a])
        h.append(total)
    return h


def by_stamping(f, g):
    h = np.zeros(len(f) + len(g) - 1)
    for b in range(len(g)):
        h[b : b + len(f)] += np.asarray(f) * float(g[b])
    return h


def by_numpy(f, g):
    return np.convolve(f, g)


def by_scipy(f, g):
    return scipy.signal.convolve(f.double(), g.double())


def by_flipped_conv1d(f, g):
    padding = len(g) - 1
    kernel = g.flip(0)[None, None]
    return F.conv1d(f[None, None], kernel, padding=padding)[0, 0]


STYLES = {
    "7.1.1": [by_convolution, pixel_by_pixel, PixelNetwork()],
    "7.1.2b": [by_conv1d, by_offsets, by_dense_layer],
    "7.1.4": [by_joined_words, by_trial],
    "7.1.5": [by_autograd, by_axes, by_helper, as_lists],
    "7.1.6": [
        by_definition,
        by_stamping,
        by_numpy,
        by_scipy,
        by_flipped_conv1d,
    ],
}
ONE_TAP = "a window of one pixel is its own mirror image"
EQUAL = {
    "7.1.1": {
        (
            "F.conv2d(X, V1.T[:, :, None, None], u1)",
            "F.conv2d(X, V1.T[:, :, None, None].flip(-1), u1)",
        ): ONE_TAP,
        (
            "F.conv2d(hidden, V2.T[:, :, None, None], u2)",
            "F.conv2d(hidden, V2.T[:, :, None, None].flip(-1), u2)",
        ): ONE_TAP,
    },
    "7.1.4": {
        (
            "nn.ReLU",
            "nn.Sigmoid",
        ): "random weights tell apart what can be, with either activation",
    },
    "7.1.5": {
        (
            "F.conv2d(image, kernel, padding=p)",
            "F.conv2d(image, kernel.flip(-1), padding=p)",
        ): "a kernel of ones is its own mirror image",
        (
            "torch.zeros",
            "torch.ones",
        ): "the derivative of a sum does not depend on the image",
    },
}
