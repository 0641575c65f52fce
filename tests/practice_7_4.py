"""Right answers of section 7.4 in other styles, and equal variants.

STYLES: by part, answers that must be accepted. EQUAL: by part, changes
(old code, new code) that leave an answer right, each with the reason.
"""

import numpy as np
import torch
from torch.nn import functional as F


def with_loops(K1, K2):
    (_, c, h1, w1), (o, _, h2, w2) = K1.shape, K2.shape
    K = torch.zeros(o, c, h1 + h2 - 1, w1 + w2 - 1)
    for p in range(h2):
        for q in range(w2):
            moved = torch.einsum("om,mcab->ocab", K2[:, :, p, q], K1)
            K[:, :, p : p + h1, q : q + w1] += moved
    return K


def with_numpy(K1, K2):
    (_, c, h1, w1), (o, _, h2, w2) = K1.shape, K2.shape
    K = np.zeros((o, c, h1 + h2 - 1, w1 + w2 - 1))
    for a in range(h1):
        for b in range(w1):
            part = np.einsum("ompq,mc->ocpq", K2, K1[:, :, a, b])
            K[:, :, a : a + h2, b : b + w2] += part
    return K


def with_the_library(K1, K2):
    return F.conv_transpose2d(K2.double(), K1.double())


def step_by_step(first, second, stride):
    size = first
    for _ in range(second - 1):
        size += stride
    return size


STYLES = {
    "7.4.1a": [with_loops, with_numpy, with_the_library],
    "7.4.1b": [step_by_step],
}
EQUAL = {}
