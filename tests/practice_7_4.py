"""Right answers of section 7.4 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import itertools
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def layer_with_numpy(K1, b1, s1, K2, b2):
    K1, b1, K2, b2 = (np.asarray(x) for x in (K1, b1, K2, b2))
    (_, c, h1, w1), (o, _, h2, w2) = K1.shape, K2.shape
    K = np.zeros((o, c, h1 + s1 * (h2 - 1), w1 + s1 * (w2 - 1)))
    for a in range(h1):
        for d in range(w1):
            part = np.einsum("ompq,mc->ocpq", K2, K1[:, :, a, d])
            rows = slice(a, a + s1 * (h2 - 1) + 1, s1)
            K[:, :, rows, d : d + s1 * (w2 - 1) + 1 : s1] += part
    bias = [b2[i] + (K2[i].sum((1, 2)) * b1).sum() for i in range(o)]
    return K, np.array(bias)


def layer_with_the_library(K1, b1, s1, K2, b2):
    K = F.conv_transpose2d(K2.double(), K1.double(), stride=s1)
    return [K, F.linear(b1, K2.sum((2, 3)), b2)]


def layer_by_zeros_between(K1, b1, s1, K2, b2):
    o, m, h, w = K2.shape
    spread = K2.new_zeros(o, m, s1 * (h - 1) + 1, s1 * (w - 1) + 1)
    spread[:, :, ::s1, ::s1] = K2
    h, w = spread.shape[2:]
    padded = F.pad(K1, (w - 1, w - 1, h - 1, h - 1)).transpose(0, 1)
    K = F.conv2d(padded, spread.flip((2, 3))).transpose(0, 1)
    return K, torch.einsum("ompq,m->o", K2, b1) + b2


def step_by_step(first, second, stride):
    size = first
    for _ in range(second - 1):
        size += stride
    return size


def counted_by_loops(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    count = 0
    for _ in range(0, h + p_h - k_h + 1, s_h):
        for _ in range(0, w + p_w - k_w + 1, s_w):
            count += c_i * c_o * k_h * k_w
    return [count, count]


def memory_of_arrays(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    rows = math.ceil((h + p_h - k_h + 1) / s_h)
    columns = math.ceil((w + p_w - k_w + 1) / s_w)
    return (
        np.prod([c_i, h, w]),
        np.prod([c_o, c_i, k_h, k_w]) + c_o,
        np.prod([c_o, rows, columns]),
    )


def memory_of_a_layer(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    layer = nn.Conv2d(c_i, c_o, (k_h, k_w), (s_h, s_w))
    X = torch.empty(1, c_i, h, w)
    Y = layer(torch.empty(1, c_i, h + p_h, w + p_w))
    parameters = [weight.numel() for weight in layer.parameters()]
    return X.numel() + parameters[0], Y.numel() + X.numel() + sum(
        parameters
    )


def twice_forward(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    rows = math.floor((h + p_h - k_h) / s_h + 1)
    columns = math.floor((w + p_w - k_w) / s_w + 1)
    weight_gradient = (c_o * k_h * k_w) * (c_i * rows * columns)
    input_gradient = (c_o * rows * columns) * (c_i * k_h * k_w)
    return float(weight_gradient + input_gradient)


def growth_by_counting(h, w, k_h, k_w, p_h, p_w):
    def outputs(rows, columns):
        layer = nn.Conv2d(1, 1, (k_h, k_w))
        return layer(torch.empty(1, 1, rows, columns)).numel()

    before = outputs(h + p_h, w + p_w)
    return 4.0, outputs(h + 2 * p_h, w + 2 * p_w) / before


def agree_by_arrays(Y1, Y2):
    return np.allclose(np.asarray(Y1), np.asarray(Y2))


def agree_number_by_number(Y1, Y2):
    Y1, Y2 = Y1.flatten().tolist(), Y2.flatten().tolist()
    near = [
        math.isclose(Y1[i], Y2[i], rel_tol=1e-6) for i in range(len(Y1))
    ]
    return all(near)


def agree_by_largest(Y1, Y2):
    return float((Y1 - Y2).abs().max() - 1e-5 * Y2.abs().max()) <= 0


def product_by_loops(X, K, b, stride, padding):
    (n, c_i, h, w), (c_o, _, k_h, k_w) = X.shape, K.shape
    padded = torch.zeros(n, c_i, h + 2 * padding[0], w + 2 * padding[1])
    top, left = padding
    padded[:, :, top : top + h, left : left + w] = X
    h_o = (padded.shape[2] - k_h) // stride[0] + 1
    w_o = (padded.shape[3] - k_w) // stride[1] + 1
    rows = []
    for image in padded:
        for i in range(0, stride[0] * h_o, stride[0]):
            for j in range(0, stride[1] * w_o, stride[1]):
                rows.append(image[:, i : i + k_h, j : j + k_w].flatten())
    Y = torch.stack(rows) @ K.reshape(c_o, -1).T + b
    return Y.reshape(n, h_o, w_o, c_o).permute(0, 3, 1, 2)


def product_by_unfold(X, K, b, stride, padding):
    X, K, b = X.double(), K.double(), b.double()
    U = F.unfold(X, K.shape[2:], stride=stride, padding=padding)
    Y = K.flatten(1) @ U + b[:, None]
    rows = X.shape[2] + 2 * padding[0] - K.shape[2]
    return Y.reshape(len(X), len(K), rows // stride[0] + 1, -1).numpy()


def gain_by_strips(k, delta):
    strips = 1000
    first = strips * delta * k  # strips that are one output wide
    second = strips * (k + delta - 1)
    return first / second, float(k)


def counted_in_a_matrix(c, b):
    blocks = [np.ones((c // b, c // b)) for _ in range(b)]
    matrix = np.zeros((c, c))
    for number, block in enumerate(blocks):
        start = number * len(block)
        stop = start + len(block)
        matrix[start:stop, start:stop] = block
    return np.count_nonzero(matrix)


def order_by_shuffling(c, b):
    channels = torch.arange(float(c)).reshape(1, c, 1, 1)
    return nn.ChannelShuffle(b)(channels).flatten()


def order_by_transposing(c, b):
    return np.arange(c).reshape(b, c // b).T.ravel()


def order_by_dealing(c, b):
    """Like cards: channel by channel, each to the next block."""
    hands = [range(c)[start::b] for start in range(b)]
    return list(itertools.chain(*hands))


STYLES = {
    "7.4.1a": [
        layer_with_numpy,
        layer_with_the_library,
        layer_by_zeros_between,
    ],
    "7.4.1b": [step_by_step],
    "7.4.1c": [
        "fedca",
        "A, C, D, E and F.",
        ["A", "C", "D", "E", "F"],
    ],
    "7.4.2a": [counted_by_loops],
    "7.4.2b": [memory_of_arrays],
    "7.4.2c": [memory_of_a_layer],
    "7.4.2d": [twice_forward],
    "7.4.3": [growth_by_counting],
    "7.4.4": [agree_by_arrays, agree_number_by_number, agree_by_largest],
    "7.4.5": [product_by_loops, product_by_unfold],
    "7.4.6": [gain_by_strips],
    "7.4.7a": [counted_in_a_matrix],
    "7.4.7b": [order_by_shuffling, order_by_transposing, order_by_dealing],
}
NOT_SHARP = "twice the tolerance is a tolerance as well"
EQUAL = {
    "7.4.4": {
        ("1e-5 * Y2.abs()", "2 * (1e-05 * Y2.abs())"): NOT_SHARP,
        (
            "1e-5 * Y2.abs().max()",
            "2 * (1e-05 * Y2.abs().max())",
        ): NOT_SHARP,
    },
    "7.4.7b": {
        (
            "np.arange(c).reshape(b, c // b)",
            "np.arange(c).reshape(c // b, b)",
        ): "dealing the channels out like cards joins the blocks as well",
    },
}
