"""Section 7.1: what its exercises ask for, and known wrong answers."""

from collections import Counter

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.practice.judging import Mistake, Task, random_numbers

__all__ = ["TASKS"]

Words = list[str]


def pixel_mlp(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """Two layers of radius 0, a ReLU between them, on X (c, h, w)."""
    hidden = torch.einsum("cm,chw->mhw", V1, X) + u1[:, None, None]
    return (
        torch.einsum("md,mhw->dhw", V2, hidden.relu()) + u2[:, None, None]
    )


def linear_pixels(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """The same without the ReLU."""
    points = X.permute(1, 2, 0)
    return ((points @ V1 + u1) @ V2 + u2).permute(2, 0, 1)


def biases_only(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """What is left if no offset, not even 0, has a weight."""
    return u2[:, None, None].expand(-1, *X.shape[1:])


def mixed_pixels(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """The channels made the last axis, and the first, by `reshape`."""
    points = X.reshape(-1, len(X))
    Y = (points @ V1 + u1).relu() @ V2 + u2
    return Y.reshape(-1, *X.shape[1:])


def mixed_on_entry(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """The channels made the last axis by `reshape`."""
    points = X.reshape(-1, len(X))
    Y = (points @ V1 + u1).relu() @ V2 + u2
    return Y.T.reshape(-1, *X.shape[1:])


def mixed_on_return(
    X: Tensor, V1: Tensor, u1: Tensor, V2: Tensor, u2: Tensor
) -> Tensor:
    """The channels made the first axis again by `reshape`."""
    points = X.flatten(1).T
    Y = (points @ V1 + u1).relu() @ V2 + u2
    return Y.reshape(-1, *X.shape[1:])


def pixels_and_weights() -> list[tuple[Tensor, ...]]:
    """Images (c, h, w) and the weights of two layers per pixel."""
    sizes = [
        (1, 1, 1, 1, 1),
        (2, 2, 2, 1, 2),
        (2, 3, 2, 2, 2),
        (3, 4, 5, 2, 3),
        (4, 2, 1, 3, 2),
    ]
    return [
        (
            random_numbers(10 * n, c, h, w),
            random_numbers(10 * n + 1, c, m),
            random_numbers(10 * n + 2, m),
            random_numbers(10 * n + 3, m, d),
            random_numbers(10 * n + 4, d),
        )
        for n, (c, m, d, h, w) in enumerate(sizes)
    ]


def sound_layer(X: Tensor, V: Tensor, u: Tensor) -> Tensor:
    """H[t, d] = u[d] + sum over a, c of V[a, c, d] X[t + a, c]."""
    n, reach = len(X), len(V) // 2
    H = u.repeat(n, 1)
    for t in range(n):
        for a in range(-reach, reach + 1):
            if 0 <= t + a < n:
                H[t] += X[t + a] @ V[a + reach]
    return H


def shifted_sound(
    X: Tensor, V: Tensor, u: Tensor, front: int, behind: int
) -> Tensor:
    """The layer with that many zeros in front of the sound and behind."""
    padded = F.pad(X.T[None], (front, behind))
    return F.conv1d(padded, V.permute(2, 1, 0), u)[0].T


def sounds() -> list[tuple[Tensor, Tensor, Tensor]]:
    """Sounds (n, c), weights (2 Δ + 1, c, d) and biases (d,)."""
    sizes = [
        (1, 0, 1, 1),
        (3, 1, 1, 1),
        (4, 1, 2, 2),
        (2, 2, 1, 2),
        (7, 2, 3, 2),
        (6, 0, 2, 3),
    ]
    return [
        (
            random_numbers(10 * i, n, c),
            random_numbers(10 * i + 1, 2 * reach + 1, c, d),
            random_numbers(10 * i + 2, d),
        )
        for i, (n, reach, c, d) in enumerate(sizes)
    ]


def told_apart(one: Words, other: Words, layers: int, width: int) -> bool:
    """Whether the texts have different groups of as many words as fit."""
    n = 1 + layers * (width - 1)
    groups = [
        {tuple(text[i : i + n]) for i in range(len(text) - n + 1)}
        for text in (one, other)
    ]
    return groups[0] != groups[1]


def groups_differ(
    one: Words, other: Words, n: int, collect: type = set
) -> bool:
    """Whether two texts have different groups of n words."""
    ones, others = (
        collect(tuple(t[i : i + n]) for i in range(len(t) - n + 1))
        for t in (one, other)
    )
    return ones != others


def texts() -> list[tuple[Words, Words, int, int]]:
    """Pairs of texts, a number of layers and their width.

    Two texts that go through the same m words three times, with "love"
    and "trust" in between in either order, differ from groups of m + 2
    words on.
    """
    pairs = [
        ("good", "good", 1, 1),
        ("good", "bad", 1, 1),
        ("not good", "good not", 1, 1),
        ("not good", "good not", 1, 2),
        ("not good", "good not", 3, 1),
        ("good film", "good good film", 1, 1),
        ("so good so good", "so good so good so good", 1, 2),
        ("so good so", "good so good", 1, 2),
        ("not good at all", "very good at all", 1, 2),
        ("it was not good", "it was not bad", 1, 2),
        ("it was good", "it was good film", 1, 3),
        ("it was good", "now it was good", 1, 3),
    ]
    for m, layers, width in [
        (1, 1, 2),
        (1, 1, 3),
        (1, 2, 2),
        (2, 2, 2),
        (2, 1, 3),
        (2, 3, 2),
        (3, 3, 2),
        (3, 2, 3),
        (4, 2, 3),
        (4, 1, 5),
        (5, 3, 3),
        (6, 3, 3),
    ]:
        same = " ".join(["you", "and", "I", "do", "not", "really"][:m])
        pairs.append(
            (
                f"{same} love {same} trust {same}",
                f"{same} trust {same} love {same}",
                layers,
                width,
            )
        )
    return [(a.split(), b.split(), n, k) for a, b, n, k in pairs]


def times_used(h: int, w: int, k: int, p: int) -> Tensor:
    """In how many k x k windows each pixel lies, p pixels of padding."""
    counts = torch.zeros(h, w)
    for top in range(-p, h + p - k + 1):
        for left in range(-p, w + p - k + 1):
            rows = slice(max(top, 0), max(top + k, 0))
            columns = slice(max(left, 0), max(left + k, 0))
            counts[rows, columns] += 1
    return counts


def everywhere(h: int, w: int, k: int, p: int) -> Tensor:
    """Every tap of the kernel meets every pixel."""
    return torch.full((h, w), k * k)


def equal_with_padding(h: int, w: int, k: int, p: int) -> Tensor:
    """Equal use as soon as there is any padding."""
    return everywhere(h, w, k, p) if p else times_used(h, w, k, p)


def equal_with_same(h: int, w: int, k: int, p: int) -> Tensor:
    """Equal use from "same" padding on."""
    enough = 2 * p >= k - 1
    return everywhere(h, w, k, p) if enough else times_used(h, w, k, p)


def boundary_ignored(
    h: int, w: int, k: int, p: int, inside: Tensor
) -> Tensor:
    """Without padding nothing where no window is centred."""
    if p:
        return times_used(h, w, k, p)
    counts, edge = torch.zeros(h, w), k // 2
    middle = slice(edge, h - edge), slice(edge, w - edge)
    counts[middle] = inside.float()[middle]
    return counts


def images_and_windows() -> list[tuple[int, int, int, int]]:
    """Height and width, size of the kernel and padding per side."""
    return [
        (1, 1, 1, 0),
        (2, 3, 2, 0),
        (3, 3, 3, 1),
        (4, 5, 3, 0),
        (4, 5, 3, 1),
        (4, 5, 3, 2),
        (2, 4, 3, 1),
        (5, 4, 2, 1),
        (6, 5, 4, 1),
        (7, 6, 5, 2),
        (5, 6, 5, 3),
        (3, 4, 2, 3),
        (2, 1, 5, 4),
    ]


def convolve(f: Tensor, g: Tensor) -> Tensor:
    """(f * g)(i) = sum over a of f(a) g(i - a), wherever they overlap."""
    h = torch.zeros(len(f) + len(g) - 1)
    for a in range(len(f)):
        for b in range(len(g)):
            h[a + b] += f[a] * g[b]
    return h


def middle_of(h: Tensor, n: int) -> Tensor:
    """The n entries in the middle, as SciPy and NumPy cut them out."""
    start = (len(h) - n) // 2
    return h[start : start + n]


def around_the_ring(f: Tensor, g: Tensor) -> Tensor:
    """The product of two spectra that are not longer than the signals."""
    n = max(len(f), len(g))
    return torch.fft.irfft(torch.fft.rfft(f, n) * torch.fft.rfft(g, n), n)


def signals() -> list[tuple[Tensor, Tensor]]:
    """Pairs of signals of different lengths, either one longer."""
    sizes = [(1, 1), (2, 1), (1, 3), (3, 2), (2, 5), (4, 4), (7, 3)]
    return [
        (random_numbers(n, one), random_numbers(n + 50, two))
        for n, (one, two) in enumerate(sizes)
    ]


SHAPE_BOX = (
    "the shape of the output shows that pixels are treated separately"
)
ORDER_BOX = "a convolution ignores the order of the words"
EQUAL_BOX = "padding makes sure that all pixels are used equally often"
BOUNDARY_BOX = "without padding the boundary is ignored"
SAME_BOX = 'with `mode="same"` the order does not matter either'

TASKS = {
    "7.1.1": Task(
        stub='''\
def pixel_mlp(X, V1, u1, V2, u2):
    """Two layers with Δ = 0 and a ReLU between them (none behind).

    X (c, h, w); V1 (c, m) holds the weight from each channel to each
    hidden unit, u1 (m,) the biases; V2 (m, d) and u2 (d,) likewise.
    Returns (d, h, w).
    """
''',
        right=pixel_mlp,
        cases=pixels_and_weights,
        mistakes=(
            Mistake(
                "without a nonlinearity between them the two layers are "
                "one linear layer per pixel, and no MLP",
                linear_pixels,
                "one layer with Δ = 0 is already an MLP",
            ),
            Mistake(
                "only the last bias is left here, but the offset 0 stays "
                "in the window, and its weights with it",
                biases_only,
                "with Δ = 0 all weights vanish and only the bias is left",
            ),
            *(
                Mistake(
                    "the shape is right, but numbers of different pixels "
                    "are mixed: reshape does not move axes, permute does",
                    answer,
                    SHAPE_BOX,
                )
                for answer in (
                    mixed_pixels,
                    mixed_on_entry,
                    mixed_on_return,
                )
            ),
            Mistake(
                "here the second layer has a ReLU behind it as well",
                lambda *case: pixel_mlp(*case).relu(),
            ),
            Mistake(
                "the first axis of V1 and V2 is what comes in; nn.Linear "
                "and F.linear store their weights the other way around",
                lambda X, V1, u1, V2, u2: F.linear(
                    F.linear(X.permute(1, 2, 0), V1, u1).relu(), V2, u2
                ).permute(2, 0, 1),
            ),
        ),
    ),
    "7.1.2b": Task(
        stub='''\
def sound_layer(X, V, u):
    """The layer that your derivation ends with, for a sound X (n, c).

    V (2Δ + 1, c, d): V[0] belongs to the offset -Δ, V[2Δ] to Δ; an offset
    leads from the moment of the output to that of the sample. u (d,)
    are the biases. Before and after the sound there are zeros.
    Returns (n, d).
    """
''',
        right=sound_layer,
        cases=sounds,
        mistakes=(
            Mistake(
                "this turns the weights around in time: V at the offset a "
                "must meet the sample at t + a, not the one at t - a",
                lambda X, V, u: sound_layer(X, V.flip(0), u),
            ),
            Mistake(
                "this window begins at the moment of the output; offsets "
                "run from -Δ to Δ, to both sides of it",
                lambda X, V, u: shifted_sound(X, V, u, 0, len(V) - 1),
            ),
            Mistake(
                "this window ends at the moment of the output, as in a "
                "causal layer; offsets run from -Δ to Δ, to both sides",
                lambda X, V, u: shifted_sound(X, V, u, len(V) - 1, 0),
            ),
            Mistake(
                "this leaves out windows that stick out of the sound, so "
                "2Δ outputs are missing",
                lambda X, V, u: shifted_sound(X, V, u, 0, 0),
            ),
            Mistake(
                "the biases are missing",
                lambda X, V, u: sound_layer(X, V, torch.zeros_like(u)),
            ),
            Mistake(
                "this wraps the sound around: its end is no neighbour of "
                "its beginning, there are zeros beyond both",
                lambda X, V, u: (
                    u
                    + sum(
                        X.roll(len(V) // 2 - a, 0) @ V[a]
                        for a in range(len(V))
                    )
                ),
            ),
        ),
    ),
    "7.1.4": Task(
        stub='''\
def told_apart(one, other, layers, width):
    """Whether a network can tell two texts (lists of words) apart.

    A vector for each word, then some layers of this width (stride 1, no
    padding, no gaps, a ReLU behind each), then the maximum over the
    text, all with as many channels as you like. Return True if there
    are weights for which the maxima differ, else False.
    """
''',
        right=told_apart,
        cases=texts,
        mistakes=(
            Mistake(
                "this asks only which words occur; a window of more than "
                "one word sees their order inside of it",
                lambda one, other, layers, width: set(one) != set(other),
                ORDER_BOX,
            ),
            Mistake(
                "this compares the words without their order; a window of "
                "more than one word sees the order inside of it",
                lambda one, other, layers, width: (
                    sorted(one) != sorted(other)
                ),
                ORDER_BOX,
            ),
            Mistake(
                "this compares the whole texts, but the maximum forgets "
                "where in the text a group of words stood",
                lambda one, other, layers, width: one != other,
            ),
            Mistake(
                "this lets an output see layers times width words, but "
                "the windows of a layer overlap",
                lambda one, other, layers, width: groups_differ(
                    one, other, layers * width
                ),
            ),
            Mistake(
                "this looks at one layer only; each further layer sees "
                "more words",
                lambda one, other, layers, width: groups_differ(
                    one, other, width
                ),
            ),
            Mistake(
                "this lets the reach multiply from layer to layer; "
                "without a stride or gaps it grows by the same number",
                lambda one, other, layers, width: groups_differ(
                    one, other, width**layers
                ),
            ),
            Mistake(
                "this counts how often a group of words occurs, which a "
                "maximum does not",
                lambda one, other, layers, width: groups_differ(
                    one, other, 1 + layers * (width - 1), Counter
                ),
            ),
        ),
    ),
    "7.1.5": Task(
        stub='''\
def times_used(h, w, k, p):
    """In how many windows each pixel of an image (h, w) lies.

    The kernel is k x k, the stride 1, and there are p rows and columns
    of zeros on each side. Returns (h, w).
    """
''',
        right=times_used,
        cases=images_and_windows,
        mistakes=(
            *(
                Mistake(
                    "this uses all pixels equally often as soon as there "
                    "is padding, but at the border some windows are still "
                    "missing",
                    answer,
                    EQUAL_BOX,
                )
                for answer in (equal_with_padding, equal_with_same)
            ),
            Mistake(
                "this uses all pixels equally often, but pixels near the "
                "border lie in fewer windows",
                everywhere,
                EQUAL_BOX,
            ),
            *(
                Mistake(
                    "without padding the boundary is used less, but it is "
                    "not ignored: no window is centred on it, some "
                    "contain it",
                    answer,
                    BOUNDARY_BOX,
                )
                for answer in (
                    lambda h, w, k, p: boundary_ignored(
                        h, w, k, p, everywhere(h, w, k, p)
                    ),
                    lambda h, w, k, p: boundary_ignored(
                        h, w, k, p, times_used(h, w, k, p)
                    ),
                )
            ),
            Mistake(
                "this takes p for the padding of both sides together, but "
                "it is the padding of each side",
                lambda h, w, k, p: times_used(h, w, k, p // 2),
            ),
        ),
    ),
    "7.1.6": Task(
        stub='''\
def convolve(f, g):
    """The convolution f * g as a sum, (f * g)(i) = the sum over all a of
    f(a) g(i - a), for f (n,), g (m,).

    Both begin at index 0 and are zero elsewhere. Returns all n + m - 1
    values that need not be zero, from index 0 on. Then try whether
    convolve(f, g) equals convolve(g, f), and prove that it must.
    """
''',
        right=convolve,
        cases=signals,
        mistakes=(
            Mistake(
                "this is the cross-correlation, which does not commute: "
                "swapping f and g turns the result around",
                lambda f, g: convolve(f.flip(0), g),
            ),
            Mistake(
                "this is the cross-correlation, which does not commute: "
                "swapping f and g turns the result around",
                lambda f, g: convolve(f, g.flip(0)),
            ),
            *(
                Mistake(
                    "this is cut down to the length of one of the "
                    "signals, as with SciPy's or NumPy's mode “same”; the "
                    "sum itself has n + m - 1 values",
                    answer,
                    SAME_BOX,
                )
                for answer in (
                    lambda f, g: middle_of(convolve(f, g), len(f)),
                    lambda f, g: middle_of(
                        convolve(f, g), max(len(f), len(g))
                    ),
                )
            ),
            Mistake(
                "this keeps only places at which one signal covers the "
                "other completely (“valid”)",
                lambda f, g: middle_of(
                    convolve(f, g), abs(len(f) - len(g)) + 1
                ),
            ),
            Mistake(
                "this goes around a ring: what belongs behind the end is "
                "added at the beginning",
                around_the_ring,
            ),
        ),
    ),
}
