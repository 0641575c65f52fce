"""Right answers of section 7.5 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def weights_by_a_mask(c, p_h, p_w):
    full = torch.full((c, c, p_h, p_w), 1 / (p_h * p_w))
    return full * torch.eye(c)[:, :, None, None]


def weights_with_groups(c, p_h, p_w):
    return nn.Parameter(torch.ones(c, 1, p_h, p_w) / (p_h * p_w))


def weights_in_lists(c, p_h, p_w):
    share = 1 / p_h / p_w
    one, none = [[[x] * p_w for _ in range(p_h)] for x in (share, 0.0)]
    return [[one if i == j else none for j in range(c)] for i in range(c)]


def weights_by_numpy(c, p_h, p_w):
    kernel = np.ones((p_h, p_w)) / (p_h * p_w)
    return np.einsum("ij,hw->ijhw", np.eye(c), kernel)


def weights_by_gradient(c, p_h, p_w):
    """What one pooled window owes to each pixel."""
    X = torch.empty(1, c, p_h, p_w, requires_grad=True)
    means = F.avg_pool2d(X, (p_h, p_w)).flatten()
    grads = [
        torch.autograd.grad(mean, X, retain_graph=True)[0] for mean in means
    ]
    return torch.cat(grads)


def windows_at_both_ends(p_h, p_w):
    X, Z = np.zeros((p_h, p_w)), np.zeros((p_h, p_w))
    X[0, 0] = 1
    Z[-1, -1] = 1
    return X, Z


def windows_in_lists(p_h, p_w):
    X = [[5 * i + j for j in range(p_w)] for i in range(p_h)]
    return X, [[-7 * x for x in row] for row in X]


def windows_turned(p_h, p_w):
    X = torch.arange(p_h * p_w).reshape(p_h, p_w)
    return torch.stack([X, X.flip(0, 1)])


def maximum_by_distance(a, b):
    distance = torch.relu(a - b) + torch.relu(b - a)
    total = torch.relu(a + b) - torch.relu(-a - b)
    return (total + distance) / 2


def maximum_by_clamping(x, y):
    return y + (x.double() - y).clamp(min=0)


def maximum_by_numpy(a, b):
    return np.maximum(a.numpy() - b.numpy(), 0) + b.numpy()


def pool_by_corners(X):
    def larger(a, b):
        return F.relu(a - b) + F.relu(b) - F.relu(-b)

    top = larger(X[:, :, 0::2, 0::2], X[:, :, 0::2, 1::2])
    bottom = larger(X[:, :, 1::2, 0::2], X[:, :, 1::2, 1::2])
    return larger(top, bottom)


def pool_by_loops(X):
    n, _, h, w = X.shape
    Y = np.full((n, 1, h // 2, w // 2), np.nan)
    for m in range(n):
        for i in range(h // 2):
            for j in range(w // 2):
                rows = slice(2 * i, 2 * i + 2)
                Y[m, 0, i, j] = X[m, 0, rows, 2 * j : 2 * j + 2].max()
    return Y


def pooling_network():
    """Rows first, then columns, as layers."""
    pair = torch.tensor([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]])
    network = nn.Sequential(
        nn.Conv2d(1, 3, (1, 2), stride=(1, 2), bias=False),
        nn.ReLU(),
        nn.Conv2d(3, 1, 1, bias=False),
        nn.Conv2d(1, 3, (2, 1), stride=(2, 1), bias=False),
        nn.ReLU(),
        nn.Conv2d(3, 1, 1, bias=False),
    )
    sum_up = torch.tensor([1.0, 1.0, -1.0])
    for place in (0, 3):
        layer, readout = network[place], network[place + 2]
        layer.weight.data = pair.reshape(layer.weight.shape)
        readout.weight.data = sum_up.reshape(1, 3, 1, 1)
    return network


def widths_by_recursion(n):
    if n < 2:
        return []
    pairs, alone = divmod(n, 2)
    return [3 * pairs + 2 * alone, *widths_by_recursion(pairs + alone)]


def widths_by_logarithm(n):
    channels = []
    for layer in range(math.ceil(math.log2(n))):
        values = math.ceil(n / 2**layer)
        channels.append(values // 2 * 3 + values % 2 * 2)
    return np.array(channels)


def comparisons_by_loops(c, h, w, p_h, p_w, s_h, s_w):
    count = 0
    for _ in range(c):
        for _ in range(0, h + 1, s_h):
            for _ in range(0, w + 1, s_w):
                count += p_h * p_w - 1
    return count


def comparisons_by_the_formula(c, h, w, p_h, p_w, s_h, s_w):
    rows = math.floor((h - p_h + p_h + s_h) / s_h)
    columns = math.floor((w - p_w + p_w + s_w) / s_w)
    return float(c * rows * columns * (p_h * p_w - 1))


def minimum_of_windows(X, k, s, p):
    X = F.pad(X, [p] * 4, value=math.inf)
    return X.unfold(2, k, s).unfold(3, k, s).amin((-1, -2))


def minimum_by_numpy(X, k, s, p):
    image = np.pad(
        X.numpy(),
        ((0, 0), (0, 0), (p, p), (p, p)),
        constant_values=np.inf,
    )
    rows = range(0, image.shape[2] - k + 1, s)
    columns = range(0, image.shape[3] - k + 1, s)
    found = [
        [image[:, :, i : i + k, j : j + k].min((2, 3)) for j in columns]
        for i in rows
    ]
    return np.moveaxis(np.array(found), (0, 1), (2, 3))


def minimum_by_a_layer(X, k, s, p):
    return nn.MaxPool2d(k, s, p)(X.double() * -1) * -1


def soft_by_loops(X, k, T):
    n, c, h, w = X.shape
    Y = torch.full((n, c, h // k, w // k), torch.nan)
    for i in range(h // k):
        for j in range(w // k):
            window = X[:, :, k * i : k * i + k, k * j : k * j + k]
            weights = torch.exp(window / T)
            total = weights.sum((2, 3))
            Y[:, :, i, j] = (weights * window).sum((2, 3)) / total
    return Y


def soft_by_averages(X, k, T):
    weights = (X.double() / T).exp()
    return F.avg_pool2d(X * weights, k) / F.avg_pool2d(weights, k)


def soft_by_attention(X, k, T):
    n, c, h, w = X.shape
    values = X.reshape(n, c, h // k, k, w // k, k).transpose(3, 4)
    values = values.reshape(n, c, h // k, w // k, k * k, 1)
    query = torch.full((n, c, h // k, w // k, 1, 1), 1 / T)
    pooled = F.scaled_dot_product_attention(
        query, values, values, scale=1.0
    )
    return pooled[..., 0, 0].numpy()


STYLES = {
    "7.5.1": [
        weights_by_a_mask,
        weights_with_groups,
        weights_in_lists,
        weights_by_numpy,
        weights_by_gradient,
    ],
    "7.5.2": [windows_at_both_ends, windows_in_lists, windows_turned],
    "7.5.3a": [
        maximum_by_distance,
        maximum_by_clamping,
        maximum_by_numpy,
        torch.maximum,
    ],
    "7.5.3b": [
        pool_by_corners,
        pool_by_loops,
        pooling_network(),
        nn.MaxPool2d(2),
    ],
    "7.5.3c": [widths_by_recursion, widths_by_logarithm],
    "7.5.4": [comparisons_by_loops, comparisons_by_the_formula],
    "7.5.6": [minimum_of_windows, minimum_by_numpy, minimum_by_a_layer],
    "7.5.7": [soft_by_loops, soft_by_averages, soft_by_attention],
}
APART = "any two windows whose largest pixels lie apart will do"
TURNED = "a kernel of 1 x 1 is the same when it is turned"
REGROUPED = "these axes are only taken apart and put together again"
EQUAL = {
    "7.5.2": {
        ("5 * i + j", "5 * i - j"): APART,
        ("5 * i", "i"): APART,
        ("5 * i", "2 * (5 * i)"): APART,
        ("-7 * x", "2 * (-7 * x)"): APART,
    },
    "7.5.3b": {
        (
            "F.conv2d(X, first.reshape(6, 1, 2, 2), stride=2)",
            "F.conv2d(X, first.reshape(6, 1, 2, 2).flip(-1), stride=2)",
        ): "the maximum does not depend on the order of the columns",
        (
            "F.conv2d(Y, second[:, :, None, None])",
            "F.conv2d(Y, second[:, :, None, None].flip(-1))",
        ): TURNED,
        (
            "F.conv2d(Y, last[:, :, None, None])",
            "F.conv2d(Y, last[:, :, None, None].flip(-1))",
        ): TURNED,
    },
    "7.5.7": {
        (
            "X.reshape(n, c, h // k, k, w // k, k)",
            "X.reshape(c, n, h // k, k, w // k, k)",
        ): REGROUPED,
        (
            "X.reshape(n, c, h // k, k, w // k, k)",
            "X.reshape(n, h // k, c, k, w // k, k)",
        ): REGROUPED,
    },
}
