"""Right answers of section 7.3 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers import ops, summary


def shape_by_d2l(image, kernel, padding, stride):
    shape = []
    for axis in range(2):
        p = 2 * padding[axis]
        size = image[axis] - kernel[axis] + p + stride[axis]
        shape.append(math.floor(size / stride[axis]))
    return shape


def shape_by_layer(image, kernel, padding, stride):
    layer = nn.Conv2d(1, 1, kernel, stride, padding, device="meta")
    return layer(torch.empty(1, 1, *image, device="meta")).shape[2:]


def shape_by_counting(image, kernel, padding, stride):
    def stops(n, k, p, s):
        return len(
            [i for i in range(-p, n + p - k + 1) if (i + p) % s == 0]
        )

    pairs = zip(image, kernel, padding, stride, strict=True)
    return np.array([stops(*pair) for pair in pairs])


def heard_in_cases(f, rate):
    limit = rate / 4
    if f <= limit:
        return float(f)
    return limit - (f - limit)


def heard_by_folding(f, rate):
    new_rate = rate / 2
    turns = round(f / new_rate)
    return abs(f - turns * new_rate)


def mirror_step_by_step(X, pad, mode):
    def mirrored(t, n):
        if n == 1:
            return 0
        repeat = 1 if mode == "symmetric" else 0
        for _ in range(20):
            if t < 0:
                t = -t - repeat
            if t > n - 1:
                t = 2 * (n - 1) - t + repeat
        return t

    (h, w), (rows, columns) = X.shape, pad
    return [
        [
            float(X[mirrored(i, h), mirrored(j, w)])
            for j in padded(w, columns)
        ]
        for i in padded(h, rows)
    ]


def padded(n, width):
    return range(-width, n + width)


def mirror_by_numpy(X, pad, mode):
    return np.pad(X.numpy(), [(n, n) for n in pad], mode=mode)


def mirror_by_helper(X, pad, mode):
    return ops.mirror_pad(X.double(), tuple(pad), mode)


def cost_by_summary(h, w, c_in, c_out, k, s):
    layer = nn.Conv2d(
        c_in, c_out, k, s, (k - 1) // 2, bias=False, device="meta"
    )
    macs = summary.macs(layer, (1, c_in, h, w))
    return macs, summary.parameters(layer)


def cost_in_words(h, w, c_in, c_out, k, s):
    rows = (h - k + 2 * (k - 1) // 2) // s + 1
    columns = (w - k + 2 * (k - 1) // 2) // s + 1
    weights = c_out * c_in * k * k
    return np.array([rows * columns * weights, weights])


def chain_by_summary(strides):
    layers = [nn.Conv2d(1, 1, 3, stride=s) for s in strides]
    field = summary.receptive_field(nn.Sequential(*layers)).size[0]
    return [field, math.prod(strides)]


def chain_backwards(strides):
    field = 1
    for s in reversed(strides):
        field = (field - 1) * s + 3
    return np.array([field, np.prod(strides)])


def up_by_library(X, K):
    return F.conv_transpose2d(X[None, None], K[None, None], stride=2)[0, 0]


def up_with_zeros(X, K):
    (h, w), (kh, kw) = X.shape, K.shape
    Y = X.new_zeros(2 * h - 1, 2 * w - 1)
    Y[::2, ::2] = X
    Y = F.pad(Y, (kw - 1, kw - 1, kh - 1, kh - 1))
    return ops.corr2d(Y, K.flip(0, 1))


def up_by_numpy(X, K):
    X, K = np.asarray(X, dtype=float), np.asarray(K, dtype=float)
    (h, w), (kh, kw) = X.shape, K.shape
    Y = np.zeros((2 * h - 2 + kh, 2 * w - 2 + kw))
    for a in range(kh):
        for b in range(kw):
            Y[a : a + 2 * h - 1 : 2, b : b + 2 * w - 1 : 2] += K[a, b] * X
    return Y


def up_by_backward(X, K):
    (h, w), (kh, kw) = X.shape, K.shape
    shape = 1, 1, 2 * (h - 1) + kh, 2 * (w - 1) + kw
    image = torch.ones(shape, requires_grad=True)
    down = F.conv2d(image, K[None, None], stride=2)
    (down[0, 0] * X).sum().backward()
    return image.grad[0, 0]


STYLES = {
    "7.3.1": [shape_by_d2l, shape_by_layer, shape_by_counting],
    "7.3.2": [heard_in_cases, heard_by_folding],
    "7.3.3": [
        mirror_step_by_step,
        mirror_by_numpy,
        mirror_by_helper,
    ],
    "7.3.4": [cost_by_summary, cost_in_words],
    "7.3.5": [chain_by_summary, chain_backwards],
    "7.3.6": [up_by_library, up_with_zeros, up_by_numpy, up_by_backward],
}
LAST_STEP = "in steps of 2 the last place is the same"
EQUAL = {
    "7.3.2": {
        ("f <= limit", "f < limit"): "at the limit both lines give it",
    },
    "7.3.3": {
        (
            "range(20)",
            "range(19)",
        ): "no padding here needs as many turns",
    },
    "7.3.4": {
        ("k - 1", "k"): "k is odd, so half of it is rounded down to this",
    },
    "7.3.5": {
        (
            "summary.receptive_field(nn.Sequential(*layers)).size[0]",
            "summary.receptive_field(nn.Sequential(*layers)).size[1]",
        ): "the field is a square",
    },
    "7.3.6": {
        ("a + 2 * h - 1", "a + 2 * h"): LAST_STEP,
        ("b + 2 * w - 1", "b + 2 * w"): LAST_STEP,
        (
            "torch.ones",
            "torch.zeros",
        ): "the derivative of a linear map does not depend on the image",
    },
}
