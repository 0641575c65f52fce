"""Right answers of section 7.2 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

from math import comb, factorial

import numpy as np
import scipy.ndimage
import scipy.signal
import torch
from torch import nn
from torch.nn import functional as F

from helpers import ops


def seen_in_loops(n):
    Y = [[0] * (n - 1) for _ in range(n)]
    for i in range(n):
        for j in range(n - 1):
            Y[i][j] = int(j >= i) - int(j + 1 >= i)
    return Y


def seen_by_conv2d(n):
    X, K = torch.ones(n, n).triu(), torch.tensor([[1.0, -1.0]])
    return F.conv2d(X[None, None], K[None, None])[0, 0]


def seen_at_once(n):
    return -torch.eye(n)[:, 1:]


def transposed_by_numpy(n):
    X = np.triu(np.ones((n, n))).T
    return -np.diff(X, axis=1)


def transposed_by_library(n):
    X = torch.ones(n, n, dtype=torch.float64).tril()
    return scipy.signal.correlate2d(X, [[1, -1]], mode="valid")


def transposed_at_once(n):
    return torch.eye(n)[:, :-1].long()


def by_transpose_in_loops(n):
    X = torch.ones(n, n).triu()
    Y = torch.full((n - 1, n), torch.nan)
    for i in range(n - 1):
        for j in range(n):
            Y[i, j] = X[i, j] - X[i + 1, j]
    return Y


def by_transpose_of_part_b(n):
    X, K = torch.ones(n, n).triu(), torch.tensor([[1.0, -1.0]])
    return ops.corr2d(X.T, K).T


def written_out(v1, v2):
    return [
        [(-v1 - v2) / 2, (v1 - v2) / 2],
        [(v2 - v1) / 2, (v1 + v2) / 2],
    ]


def by_sobel(v1, v2):
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    return v1 * sobel + v2 * sobel.T


def by_a_cross(v1, v2):
    K = torch.zeros(3, 3, dtype=torch.float64)
    K[1, 0], K[1, 2] = -v1 / 2, v1 / 2
    K[0, 1], K[2, 1] = -v2 / 2, v2 / 2
    return K


def by_five_points(v1, v2):
    taps = torch.tensor([[1.0, -8, 0, 8, -1]]) / 12
    middle = F.pad(torch.ones(1, 1), (2, 2))
    return v1 * middle.T * taps + v2 * taps.T * middle


def by_laplacian(X):
    K = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    return F.conv2d(X[None, None], K[None, None])[0, 0]


def by_differences(X):
    X = np.asarray(X, dtype=float)
    return np.diff(X, 2, axis=0)[:, 1:-1] + np.diff(X, 2, axis=1)[1:-1]


def pixel_by_pixel(X):
    h, w = X.shape
    Y = []
    for i in range(1, h - 1):
        row = []
        for j in range(1, w - 1):
            around = X[i - 1, j] + X[i + 1, j] + X[i, j - 1] + X[i, j + 1]
            row.append(float(around - 4 * X[i, j]))
        Y.append(row)
    return Y


def by_scipy_laplace(X):
    return scipy.ndimage.laplace(X.double().numpy())[1:-1, 1:-1]


def gaussian_in_loops(sigma, radius):
    offsets = range(-radius, radius + 1)
    weights = [
        [np.exp(-(a * a + b * b) / (2 * sigma**2)) for b in offsets]
        for a in offsets
    ]
    return np.array(weights) / np.sum(weights)


def gaussian_by_rows(sigma, radius):
    row = torch.distributions.Normal(0.0, sigma).log_prob(
        torch.arange(-radius, radius + 1.0)
    )
    row = row.softmax(0)
    return row[:, None] * row


def binomial(d):
    return [(-1) ** (d - j) * comb(d, j) for j in range(d + 1)]


def by_equations(d):
    offsets = np.arange(d + 1.0)
    powers = np.array([offsets**m for m in range(d + 1)])
    wanted = np.zeros(d + 1)
    wanted[d] = factorial(d)
    return np.linalg.solve(powers, wanted)


def by_composing(d):
    kernel = torch.ones(1, 1)
    for _ in range(d):
        kernel = ops.compose_kernels(kernel, torch.tensor([[-1.0, 1.0]]))
    return kernel[0]


def by_unfold(X, K):
    (h, w), (kh, kw) = X.shape, K.shape
    W = F.unfold(X[None, None], (kh, kw))[0].T
    units = torch.eye(h * w).view(h * w, 1, h, w)
    C = F.conv2d(units, K[None, None]).flatten(1).T
    return W, C


def by_indices(X, K):
    X, K = np.asarray(X, dtype=float), np.asarray(K, dtype=float)
    (h, w), (kh, kw) = X.shape, K.shape
    rows, columns = h - kh + 1, w - kw + 1
    W = np.full((rows * columns, kh * kw), np.nan)
    C = np.zeros((rows * columns, h * w))
    for i in range(rows):
        for j in range(columns):
            for a in range(kh):
                for b in range(kw):
                    r = columns * i + j
                    W[r, kw * a + b] = X[i + a, j + b]
                    C[r, w * (i + a) + j + b] = K[a, b]
    return [W, C]


def by_helper(X, K):
    W = X.unfold(0, K.shape[0], 1).unfold(1, K.shape[1], 1)
    return W.reshape(-1, K.numel()), ops.conv_matrix(K, tuple(X.shape))


class Matrices(nn.Module):
    def forward(self, X, K):
        return by_helper(X.double(), K.double())


STYLES = {
    "7.2.1a": [seen_in_loops, seen_by_conv2d, seen_at_once],
    "7.2.1b": [
        transposed_by_numpy,
        transposed_by_library,
        transposed_at_once,
    ],
    "7.2.1c": [by_transpose_in_loops, by_transpose_of_part_b],
    "7.2.2a": [written_out, by_sobel, by_a_cross, by_five_points],
    "7.2.2b": [
        by_laplacian,
        by_differences,
        pixel_by_pixel,
        by_scipy_laplace,
    ],
    "7.2.2c": [gaussian_in_loops, gaussian_by_rows],
    "7.2.2d": [binomial, by_equations, by_composing],
    "7.2.3": [
        "No error.",
        "none",
        "There is no error",
        "It works without an error.",
    ],
    "7.2.4": [by_unfold, by_indices, by_helper, Matrices()],
}
EQUAL = {
    "7.2.2b": {
        (
            "F.conv2d(X[None, None], K[None, None])",
            "F.conv2d(X[None, None], K[None, None].flip(-1))",
        ): "the Laplacian is its own mirror image",
    },
    "7.2.2d": {
        (
            "d - j",
            "d + j",
        ): "they differ by 2 j, an even number, which keeps the sign",
    },
}
