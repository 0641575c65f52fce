"""Section 7.4: what its exercises ask for, and known wrong answers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.practice.judging import Mistake, Task, close, random_numbers

__all__ = ["TASKS"]

Layer = tuple[Tensor | None, Tensor | None]  # kernel and bias
Pair = tuple[int, int]  # rows, columns

CORRELATED = (
    "the combined kernel is one kernel cross-correlated with the other"
)
SEPARABLE = "only separable kernels can be split"
SMALL_AND_BIG = "many small filters and one big filter are the same"
FORWARD = "the forward pass costs (output size)² k²"
MEMORY = (
    "the memory is the image, the kernel and the output, each n² or k² "
    "numbers"
)
PADDING = "padding hardly changes the number of calculations"
NO_BOUND = "assert the sum of the differences, without a bound"
RESHAPE = "any reshape to the right shape will do"
DIRECTION = "it is about horizontal against vertical strips"
WIDER = "the wider the better"
PARALLEL = (
    "it is faster because the blocks are independent and run in parallel"
)
DOWNSIDE = "the downside is that many blocks are hard to run in parallel"


def one_layer(
    K1: Tensor, b1: Tensor, s1: int, K2: Tensor, b2: Tensor
) -> Layer:
    """Kernel and bias of the layer that does what two in a row do."""
    (_, c, h1, w1), (o, _, h2, w2) = K1.shape, K2.shape
    K = torch.zeros(o, c, s1 * (h2 - 1) + h1, s1 * (w2 - 1) + w1)
    for p in range(h2):
        for q in range(w2):
            mixed = torch.einsum("om,mcab->ocab", K2[:, :, p, q], K1)
            i, j = s1 * p, s1 * q
            K[:, :, i : i + h1, j : j + w1] += mixed
    return K, b2 + K2.sum((2, 3)) @ b1


def same_layer(found: Layer, expected: Layer) -> str | None:
    """Compare kernel and bias; None is expected where all will do."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        return "it must return a kernel and a bias"
    for name, one, other in zip(
        ("kernel", "bias"), found, expected, strict=True
    ):
        complaint = None if other is None else close(one, other)
        if complaint:
            return f"{complaint} (the {name})"
    return None


def layer_pairs() -> list[tuple]:
    """Two layers each, from 1 x 1 to kernels that are not square."""
    sizes = [
        ((1, 1, 1, 1), 1, (1, 1, 1, 1)),
        ((1, 1, 1, 2), 1, (1, 1, 1, 2)),
        ((1, 1, 2, 2), 1, (1, 1, 2, 2)),
        ((1, 1, 3, 2), 1, (1, 1, 1, 4)),
        ((1, 1, 1, 2), 2, (1, 1, 1, 2)),
        ((2, 3, 3, 3), 1, (4, 2, 2, 3)),
        ((3, 2, 2, 3), 3, (1, 3, 3, 2)),
    ]
    return [
        (
            random_numbers(seed, *one),
            random_numbers(seed + 50, one[0]),
            stride,
            random_numbers(seed + 9, *two),
            random_numbers(seed + 70, two[0]),
        )
        for seed, (one, stride, two) in enumerate(sizes)
    ]


def by_correlation(
    K1: Tensor, b1: Tensor, s1: int, K2: Tensor, b2: Tensor
) -> Layer:
    """The same without turning one of the two kernels."""
    return F.conv_transpose2d(K2.flip(2, 3), K1, stride=s1), None


def combined_size(k1: int, k2: int, s1: int) -> int:
    """Size of that kernel, if the first layer has the stride s1."""
    return k1 + (k2 - 1) * s1


def same_letters(found: str, expected: str) -> str | None:
    """Compare letters in any order, with or without commas and "and"."""
    text = "".join(found).upper().replace("AND", "")
    letters = {sign for sign in text if sign.isalpha()}
    return None if letters == set(expected) else f"{found!r} is wrong"


# Arguments of 7.4.2: c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w.
LAYERS = [
    (1, 1, 1, 1, 1, 1, 0, 0, 1, 1),
    (1, 1, 3, 3, 2, 2, 0, 0, 1, 1),
    (2, 1, 3, 3, 2, 2, 0, 0, 1, 1),
    (1, 2, 4, 3, 3, 2, 2, 1, 1, 1),
    (3, 8, 9, 12, 3, 5, 2, 4, 1, 1),
    (4, 6, 11, 8, 3, 2, 0, 2, 2, 3),
    (5, 3, 20, 13, 5, 3, 4, 1, 3, 2),
]


def forward_operations(
    c_i: int,
    c_o: int,
    h: int,
    w: int,
    k_h: int,
    k_w: int,
    p_h: int,
    p_w: int,
    s_h: int,
    s_w: int,
) -> Pair:
    """Multiplications and additions of a layer with a bias."""
    h_o = (h - k_h + p_h + s_h) // s_h
    w_o = (w - k_w + p_w + s_w) // s_w
    macs = c_o * c_i * k_h * k_w * h_o * w_o
    return macs, macs


def forward_memory(
    c_i: int,
    c_o: int,
    h: int,
    w: int,
    k_h: int,
    k_w: int,
    p_h: int,
    p_w: int,
    s_h: int,
    s_w: int,
) -> tuple[int, int, int]:
    """Numbers of the input, of weights and biases, and of the output."""
    h_o = (h - k_h + p_h + s_h) // s_h
    w_o = (w - k_w + p_w + s_w) // s_w
    return c_i * h * w, c_o * c_i * k_h * k_w + c_o, c_o * h_o * w_o


def backward_memory(
    c_i: int,
    c_o: int,
    h: int,
    w: int,
    k_h: int,
    k_w: int,
    p_h: int,
    p_w: int,
    s_h: int,
    s_w: int,
) -> Pair:
    """Numbers that are needed, and numbers of all gradients."""
    h_o = (h - k_h + p_h + s_h) // s_h
    w_o = (w - k_w + p_w + s_w) // s_w
    needed = c_i * h * w + c_o * c_i * k_h * k_w
    return needed, needed + c_o + c_o * h_o * w_o


def backward_work(
    c_i: int,
    c_o: int,
    h: int,
    w: int,
    k_h: int,
    k_w: int,
    p_h: int,
    p_w: int,
    s_h: int,
    s_w: int,
) -> int:
    """Multiplications for the gradients of the weights and the input."""
    h_o = (h - k_h + p_h + s_h) // s_h
    w_o = (w - k_w + p_w + s_w) // s_w
    return 2 * c_o * c_i * k_h * k_w * h_o * w_o


def macs(*layer: int) -> int:
    """Multiplications of the forward pass."""
    return forward_operations(*layer)[0]


def outputs(*layer: int) -> int:
    """Numbers of one output channel."""
    h, w, k_h, k_w, p_h, p_w, s_h, s_w = layer[2:]
    rows, columns = h - k_h + p_h + s_h, w - k_w + p_w + s_w
    return (rows // s_h) * (columns // s_w)


def per_side(*layer: int) -> tuple[int, ...]:
    """The arguments as they are if the padding is that of each side."""
    return (*layer[:6], 2 * layer[6], 2 * layer[7], *layer[8:])


def growth(
    h: int, w: int, k_h: int, k_w: int, p_h: int, p_w: int
) -> tuple[float, float]:
    """Factors for twice the channels and for twice the padding."""
    rows = (h - k_h + 2 * p_h + 1) / (h - k_h + p_h + 1)
    columns = (w - k_w + 2 * p_w + 1) / (w - k_w + p_w + 1)
    return 4, rows * columns


def same_factors(
    found: Sequence[float | None], expected: Sequence[float | None]
) -> str | None:
    """Compare two numbers, which may be infinite; None is any number."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        return "it must return two numbers"
    for one, other in zip(found, expected, strict=True):
        if other is None:
            continue
        if one is None or not math.isclose(one, other, rel_tol=1e-4):
            return f"it gives {tuple(found)}, right is {tuple(expected)}"
    return None


def agree(Y1: Tensor, Y2: Tensor) -> bool:
    """Whether two results of the same sums differ by rounding at most."""
    return bool(((Y1 - Y2).abs() <= 1e-5 * Y2.abs()).all())


def same_truth(found: object, expected: object) -> str | None:
    """Compare what `assert` would make of two values."""
    one, other = bool(found), bool(expected)
    return None if one == other else f"it says {one}, right is {other}"


def result_pairs() -> list[tuple[Tensor, Tensor]]:
    """Equal results, other orders of adding, and wrong results."""
    small, large = torch.tensor([1.0, -2.0]), torch.tensor([-4e6, 3.0])
    sums = 1 + random_numbers(0, 2, 3, 3).abs()
    last_bit = 1 + 2.0**-23
    return [
        (small, small),
        (torch.zeros(2), torch.zeros(2)),
        (small, small + torch.tensor([0.5, 0])),
        (small, small - torch.tensor([0, 0.5])),
        (small, small + torch.tensor([0.01, -0.01])),
        (small, small * last_bit),
        (large, large * last_bit),
        (-sums, -sums * last_bit),
        (sums, sums * last_bit),
        (sums, sums + torch.tensor([0, 0, 0.01])),
    ]


def conv_by_product(
    X: Tensor, K: Tensor, b: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    """A convolutional layer as one matrix product."""
    (s_h, s_w), (p_h, p_w) = stride, padding
    X = F.pad(X, (p_w, p_w, p_h, p_h))
    windows = X.unfold(2, K.shape[2], s_h).unfold(3, K.shape[3], s_w)
    U = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
    return (U @ K.flatten(1).T + b).permute(0, 3, 1, 2)


def careless_windows(
    X: Tensor, K: Tensor, b: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    """The channel axis stays where it is when windows become rows."""
    (s_h, s_w), (p_h, p_w) = stride, padding
    X = F.pad(X, (p_w, p_w, p_h, p_h))
    windows = X.unfold(2, K.shape[2], s_h).unfold(3, K.shape[3], s_w)
    n, _, h_o, w_o = windows.shape[:4]
    U = windows.reshape(n, h_o, w_o, -1)
    return (U @ K.flatten(1).T + b).permute(0, 3, 1, 2)


def careless_result(
    X: Tensor, K: Tensor, b: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    """The rows of the product become images without moving an axis."""
    Y = conv_by_product(X, K, b, stride, padding)
    return Y.permute(0, 2, 3, 1).reshape(Y.shape)


def layers_and_maps() -> list[tuple]:
    """Images, kernels, biases, strides and paddings."""
    settings = [
        ((1, 1, 1, 2), (1, 1, 1, 2), (1, 1), (0, 0)),
        ((1, 1, 3, 3), (1, 1, 2, 2), (1, 1), (0, 0)),
        ((1, 2, 2, 2), (1, 2, 2, 1), (1, 1), (0, 0)),
        ((1, 1, 2, 3), (3, 1, 1, 2), (1, 1), (0, 0)),
        ((2, 1, 4, 3), (1, 1, 3, 2), (2, 1), (0, 1)),
        ((3, 2, 5, 7), (4, 2, 3, 2), (2, 3), (2, 1)),
    ]
    return [
        (
            random_numbers(seed, *image),
            random_numbers(seed + 20, *kernel),
            random_numbers(seed + 40, kernel[0]),
            stride,
            padding,
        )
        for seed, (image, kernel, stride, padding) in enumerate(settings)
    ]


def strip_gain(k: int, delta: int) -> tuple[float, float]:
    """How many times fewer pixels are read, and the most there can be."""
    return k * delta / (k + delta - 1), k


def block_multiplications(c: int, b: int) -> int:
    """Multiplications of a block-diagonal matrix with a vector."""
    size = c // b
    return b * size**2


def joining_order(c: int, b: int) -> list[int]:
    """Read the channels, as a table with a row per block, by columns."""
    size = c // b
    return [
        block * size + place for place in range(size) for block in range(b)
    ]


def joins_blocks(found: Sequence[int], c: int, b: int) -> str | None:
    """What keeps an order from joining every block with every other."""
    order = [float(channel) for channel in found]
    if sorted(order) != list(range(c)):
        return f"it is no order of the numbers 0 to {c - 1}"
    size = c // b
    for block in range(b):
        part = order[block * size : (block + 1) * size]
        if len({channel // size for channel in part}) < b:
            return (
                f"block {block} of the second layer gets the channels "
                f"{[int(channel) for channel in part]}, which do not come "
                "from all blocks of the first"
            )
    return None


TASKS = {
    "7.4.1a": Task(
        stub='''\
def one_layer(K1, b1, s1, K2, b2):
    """(K, b): kernel (o, c, h, w) and bias (o,) of the one layer that
    replaces two without padding: the first with kernel K1 (m, c, h1, w1),
    bias b1 (m,) and stride s1 along both axes, behind it the second
    with K2 (o, m, h2, w2) and b2 (o,). Begin with s1 = 1."""
''',
        right=one_layer,
        cases=layer_pairs,
        compare=same_layer,
        mistakes=(
            Mistake(
                "this correlates the two kernels; one of them must be "
                "turned by 180 degrees (and the padding must fit kernels "
                "that are not square)",
                lambda K1, b1, s1, K2, b2: (
                    F.conv2d(K1, K2, padding=K2.shape[-1] - 1),
                    None,
                ),
                CORRELATED,
            ),
            Mistake(
                "this is the cross-correlation of the two kernels; one of "
                "them must be turned by 180 degrees",
                by_correlation,
                CORRELATED,
            ),
            Mistake(
                "the kernel is that for the stride s1 = 1; with a larger "
                "stride the copies of the first kernel lie s1 pixels "
                "apart",
                lambda K1, b1, s1, K2, b2: (
                    F.conv_transpose2d(K2, K1),
                    None,
                ),
            ),
            Mistake(
                "the bias b1 is lost; it passes through the second kernel",
                lambda K1, b1, s1, K2, b2: (None, b2),
            ),
            Mistake(
                "the bias b1 is added as it is; it passes through the "
                "second kernel",
                lambda K1, b1, s1, K2, b2: (None, b1 + b2),
            ),
            Mistake(
                "the bias b1 is added once; each weight of the second "
                "kernel meets it",
                lambda K1, b1, s1, K2, b2: (None, b1.sum() + b2),
            ),
        ),
    ),
    "7.4.1b": Task(
        stub='''\
def combined_size(k1, k2, s1):
    """The size of that kernel along one axis: the first layer has the
    size k1 and the stride s1 there, the second the size k2."""
''',
        right=combined_size,
        cases=lambda: [
            (1, 1, 1),
            (3, 3, 1),
            (2, 5, 1),
            (3, 3, 2),
            (2, 5, 3),
        ],
        mistakes=(
            Mistake(
                "this holds for stride 1 only: with the stride s1 the "
                "second kernel reaches s1 times as far",
                lambda k1, k2, s1: k1 + k2 - 1,
            ),
            Mistake(
                "two kernels side by side would be so large; the last "
                "pixel of one window is the first of the next",
                lambda k1, k2, s1: k1 + k2,
            ),
            Mistake(
                "the sizes are not multiplied: one kernel slides along "
                "the other",
                lambda k1, k2, s1: k1 * k2,
            ),
            Mistake(
                "the stride counts the steps between the entries of the "
                "second kernel, which are one fewer than its entries",
                lambda k1, k2, s1: k1 + k2 * s1 - 1,
            ),
            Mistake(
                "the stride s1 belongs to the second kernel's entries, "
                "not to the first kernel's",
                lambda k1, k2, s1: (k1 - 1) * s1 + k2,
            ),
        ),
    ),
    "7.4.1c": Task(
        stub="""\
# Which of these kernels can be split into two smaller ones in a row?
# Real numbers, stride 1, one channel before, between and behind.
# A  (1, 2, 1)                B  (1, 0, 1)
# C  (1, 0, 1, 0, 1)          D  (1, 0, 1, 2)
# E  rows (1, 2, 1), (2, 4, 2), (1, 2, 1)
# F  rows (0, 1, 0), (1, 0, 1), (0, 1, 0)
# G  rows (0, 1, 0), (1, -4, 1), (0, 1, 0)
splittable = None  # the letters of those that can, in one string
""",
        right="ACDEF",
        compare=same_letters,
        mistakes=(
            Mistake(
                "these are the kernels of rank 1; others can be split "
                "too, and not all 1-D kernels can",
                "ABCDE",
                SEPARABLE,
            ),
            Mistake(
                "separable kernels are not the only ones",
                "E",
                SEPARABLE,
            ),
            Mistake(
                "not every kernel is two small ones in a row",
                "ABCDEFG",
                SMALL_AND_BIG,
            ),
            Mistake(
                "some kernels can be split: the products of two small ones",
                "",
            ),
            Mistake(
                "a 1-D kernel without a real root can be split too if it "
                "is long enough, into factors of degree 2",
                "ADEF",
            ),
            Mistake(
                "rank 1 decides neither in 2-D, where a kernel of rank 2 "
                "may be a pair",
                "ACDE",
                SEPARABLE,
            ),
            Mistake(
                "(1, 0, 1) belongs to a polynomial of degree 2 without "
                "real roots",
                "ABCDEF",
            ),
            Mistake(
                "the kernel with -4 in its middle cannot be split, though "
                "the one with 0 there can",
                "ACDEFG",
            ),
        ),
    ),
    "7.4.2a": Task(
        stub='''\
def forward_operations(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    """(multiplications, additions) of the forward pass, for one image
    and a layer with a bias. p_h and p_w are the rows and columns added
    in total, both sides together. Products with padding count too."""
''',
        right=forward_operations,
        cases=lambda: LAYERS,
        mistakes=(
            Mistake(
                "the channels are missing: each output channel looks at "
                "each input channel",
                lambda *a: (outputs(*a) * a[4] * a[5],) * 2,
                FORWARD,
            ),
            Mistake(
                "the channels are missing: each output channel looks at "
                "each input channel; and the additions are too few with a "
                "bias",
                lambda *a: (
                    outputs(*a) * a[4] * a[5],
                    outputs(*a) * (a[4] * a[5] - 1),
                ),
                FORWARD,
            ),
            Mistake(
                "the input channels are missing",
                lambda *a: (outputs(*a) * a[1] * a[4] * a[5],) * 2,
                FORWARD,
            ),
            Mistake(
                "the output channels are missing",
                lambda *a: (outputs(*a) * a[0] * a[4] * a[5],) * 2,
                FORWARD,
            ),
            Mistake(
                "these are multiplications and additions together (FLOPs); "
                "here they are counted separately",
                lambda *a: (2 * macs(*a),) * 2,
            ),
            Mistake(
                "the additions are those of a layer without a bias",
                lambda *a: (macs(*a), macs(*a) - a[1] * outputs(*a)),
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda *a: (macs(*per_side(*a)),) * 2,
            ),
            Mistake(
                "there is one window for each output, not for each pixel "
                "of the input",
                lambda *a: (a[0] * a[1] * a[2] * a[3] * a[4] * a[5],) * 2,
            ),
            Mistake(
                "the kernel's size is missing",
                lambda *a: (a[0] * a[1] * outputs(*a),) * 2,
            ),
        ),
    ),
    "7.4.2b": Task(
        stub='''\
def forward_memory(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    """(input, parameters, output): how many numbers each has in the
    forward pass, for one image and a layer with a bias. p_h and p_w
    are the rows and columns added in total; they need no memory."""
''',
        right=forward_memory,
        cases=lambda: LAYERS,
        mistakes=(
            Mistake(
                "the channels are missing, in all three",
                lambda *a: (a[2] * a[3], a[4] * a[5], outputs(*a)),
                MEMORY,
            ),
            Mistake(
                "the channels are missing, in all three",
                lambda *a: (a[2] * a[3], a[4] * a[5] + 1, outputs(*a)),
                MEMORY,
            ),
            Mistake(
                "a kernel has weights for each input channel, so their "
                "number is a product with c_i and c_o",
                lambda *a: (
                    a[0] * a[2] * a[3],
                    a[1] * a[4] * a[5] + a[1],
                    a[1] * outputs(*a),
                ),
                MEMORY,
            ),
            Mistake(
                "the biases are missing, one for each output channel",
                lambda *a: (
                    a[0] * a[2] * a[3],
                    a[0] * a[1] * a[4] * a[5],
                    a[1] * outputs(*a),
                ),
            ),
            Mistake(
                "there is one bias for each output channel, not one in all",
                lambda *a: (
                    a[0] * a[2] * a[3],
                    a[0] * a[1] * a[4] * a[5] + 1,
                    a[1] * outputs(*a),
                ),
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda *a: forward_memory(*per_side(*a)),
            ),
        ),
    ),
    "7.4.2c": Task(
        stub='''\
def backward_memory(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    """(needed, gradients): how many numbers of the layer's input,
    weights, biases and output its backward pass needs, and how many
    numbers the gradients of all four have together. One image, a layer
    with a bias in a network; p_h and p_w are totals of both sides."""
''',
        right=backward_memory,
        cases=lambda: LAYERS,
        mistakes=(
            Mistake(
                "the output is not needed: neither gradient has a factor "
                "from it",
                lambda *a: (
                    backward_memory(*a)[0] + a[1] * outputs(*a),
                    backward_memory(*a)[1],
                ),
            ),
            Mistake(
                "output and biases are not needed: no gradient has a "
                "factor from them",
                lambda *a: (backward_memory(*a)[1],) * 2,
            ),
            Mistake(
                "the biases are not needed: no gradient has a factor from "
                "them",
                lambda *a: (
                    backward_memory(*a)[0] + a[1],
                    backward_memory(*a)[1],
                ),
            ),
            Mistake(
                "only the input is counted as needed; the gradient of the "
                "input has the weights as factors",
                lambda *a: (a[0] * a[2] * a[3], backward_memory(*a)[1]),
            ),
            Mistake(
                "the weights are not the only gradients; output, input "
                "and biases have theirs too",
                lambda *a: (
                    backward_memory(*a)[0],
                    a[0] * a[1] * a[4] * a[5],
                ),
            ),
            Mistake(
                "the gradient of the input is missing; the layer before "
                "needs it",
                lambda *a: (
                    backward_memory(*a)[0],
                    backward_memory(*a)[1] - a[0] * a[2] * a[3],
                ),
            ),
            Mistake(
                "the gradient of the output is missing, with which the "
                "backward pass begins",
                lambda *a: (
                    backward_memory(*a)[0],
                    backward_memory(*a)[0] + a[1],
                ),
            ),
            Mistake(
                "the gradients of the biases are missing",
                lambda *a: (
                    backward_memory(*a)[0],
                    backward_memory(*a)[1] - a[1],
                ),
            ),
            Mistake(
                "the channels are missing",
                lambda *a: (
                    a[2] * a[3] + a[4] * a[5],
                    a[2] * a[3] + a[4] * a[5] + outputs(*a),
                ),
                MEMORY,
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda *a: backward_memory(*per_side(*a)),
            ),
        ),
    ),
    "7.4.2d": Task(
        stub='''\
def backward_work(c_i, c_o, h, w, k_h, k_w, p_h, p_w, s_h, s_w):
    """Multiplications of the backward pass, for one image and a layer
    in the middle of a network; p_h and p_w are totals of both sides."""
''',
        right=backward_work,
        cases=lambda: LAYERS,
        mistakes=(
            Mistake(
                "that is as much as the forward pass; each product of it "
                "returns in two gradients",
                macs,
            ),
            Mistake(
                "that is the forward pass and the backward pass together",
                lambda *a: 3 * macs(*a),
            ),
            Mistake(
                "the channels are missing",
                lambda *a: 2 * outputs(*a) * a[4] * a[5],
                FORWARD,
            ),
            Mistake(
                "the channels are missing, and each product of the "
                "forward pass returns in two gradients",
                lambda *a: outputs(*a) * a[4] * a[5],
                FORWARD,
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda *a: 2 * macs(*per_side(*a)),
            ),
        ),
    ),
    "7.4.3": Task(
        stub='''\
def growth(h, w, k_h, k_w, p_h, p_w):
    """Two factors by which the number of multiplications grows: if c_i
    and c_o are both doubled; if instead the padding is doubled. Stride
    1; p_h and p_w are the rows and columns added in total before."""
''',
        right=growth,
        cases=lambda: [
            (3, 3, 1, 1, 0, 0),
            (3, 3, 3, 3, 2, 2),
            (8, 8, 3, 3, 2, 2),
            (7, 5, 4, 2, 3, 1),
            (3, 4, 3, 2, 20, 30),
        ],
        compare=same_factors,
        mistakes=(
            Mistake(
                "padding is taken to change nothing; on a small image it "
                "adds many outputs",
                lambda h, w, k_h, k_w, p_h, p_w: (None, 1),
                PADDING,
            ),
            Mistake(
                "the padding is counted along one axis only; it adds rows "
                "and columns",
                lambda h, w, k_h, k_w, p_h, p_w: (
                    None,
                    growth(h, w, k_h, k_w, p_h, 0)[1],
                ),
                PADDING,
            ),
            Mistake(
                "only the padding doubles, the image does not; this is "
                "the limit for a padding far larger than the image",
                lambda h, w, k_h, k_w, p_h, p_w: (None, 4),
            ),
            Mistake(
                "the growth is not linear: the image is there as well, "
                "and there are two axes",
                lambda h, w, k_h, k_w, p_h, p_w: (None, 2),
                PADDING,
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda h, w, k_h, k_w, p_h, p_w: (
                    None,
                    growth(h, w, k_h, k_w, 2 * p_h, 2 * p_w)[1],
                ),
            ),
            Mistake(
                "this compares with no padding at all, not with the "
                "padding before",
                lambda h, w, k_h, k_w, p_h, p_w: (
                    None,
                    growth(h, w, k_h, k_w, p_h, p_w)[1]
                    * growth(h - p_h, w - p_w, k_h, k_w, p_h, p_w)[1],
                ),
            ),
            Mistake(
                "twice the channels is more than twice the work: both "
                "numbers enter, as a product",
                lambda h, w, k_h, k_w, p_h, p_w: (2, None),
            ),
        ),
    ),
    "7.4.4": Task(
        stub='''\
def agree(Y1, Y2):
    """Whether two tensors of float32 agree but for rounding (True or
    False): the test for results Y1 and Y2 that were computed in two
    ways. They may be large; no entry is small through cancellation."""
''',
        right=agree,
        cases=result_pairs,
        compare=same_truth,
        mistakes=(
            Mistake(
                "the sum of the differences is true when it is not zero, "
                "so this says yes to wrong results and no to equal ones",
                lambda Y1, Y2: (Y1 - Y2).abs().sum(),
                NO_BOUND,
            ),
            Mistake(
                "this asks for equality in every bit; sums in another "
                "order may differ in the last ones",
                torch.equal,
            ),
            Mistake(
                "a bound of 1e-6 on the sum of the differences is too "
                "tight for many or large numbers",
                lambda Y1, Y2: (Y1 - Y2).abs().sum() < 1e-6,
            ),
            Mistake(
                "a fixed bound does not fit large numbers, whose rounding "
                "errors are larger",
                lambda Y1, Y2: (Y1 - Y2).abs().max() < 1e-4,
            ),
            Mistake(
                "differences of both signs cancel in their sum",
                lambda Y1, Y2: (Y1 - Y2).sum().abs() < 1e-4,
            ),
            Mistake(
                "without the absolute value a result that is far too "
                "small passes",
                lambda Y1, Y2: (Y1 - Y2).max() < 1e-4,
            ),
            Mistake(
                "without the absolute value a result that is far too "
                "small passes",
                lambda Y1, Y2: (Y1 - Y2).sum() < 1e-6,
            ),
        ),
    ),
    "7.4.5": Task(
        stub='''\
def conv_by_product(X, K, b, stride, padding):
    """What nn.Conv2d makes of X (n, c_i, h, w), by one matrix product:
    kernel K (c_o, c_i, k_h, k_w), bias b (c_o,), stride (s_h, s_w),
    padding (p_h, p_w) with zeros on each side (7.4.2 has totals).
    Shape (n, c_o, h_o, w_o)."""
''',
        right=conv_by_product,
        cases=layers_and_maps,
        mistakes=(
            Mistake(
                "the windows get the right shape with their numbers in "
                "wrong places; the channel axis must move behind the "
                "places before the reshape",
                careless_windows,
                RESHAPE,
            ),
            Mistake(
                "the product gets the right shape with its numbers in "
                "wrong places; its columns are the channels, so that axis "
                "must be moved, not reshaped",
                careless_result,
                RESHAPE,
            ),
            Mistake(
                "the kernel is turned by 180 degrees; nn.Conv2d "
                "cross-correlates",
                lambda X, K, b, stride, padding: F.conv2d(
                    X, K.flip(2, 3), b, stride, padding
                ),
            ),
            Mistake(
                "the bias is missing",
                lambda X, K, b, stride, padding: F.conv2d(
                    X, K, None, stride, padding
                ),
            ),
            Mistake(
                "rows and columns of the padding are exchanged; F.pad "
                "names the last axis first",
                lambda X, K, b, stride, padding: F.conv2d(
                    X, K, b, stride, padding[::-1]
                ),
            ),
            Mistake(
                "rows and columns of the stride are exchanged",
                lambda X, K, b, stride, padding: F.conv2d(
                    X, K, b, stride[::-1], padding
                ),
            ),
        ),
    ),
    "7.4.6": Task(
        stub='''\
def strip_gain(k, delta):
    """(gain, ceiling): how many times fewer pixels per output the second
    plan reads than the first, if its strip is long, just wide enough for
    delta outputs side by side, and each plan reads a pixel once for each
    strip; and the least number that the gain never exceeds, however
    large delta is (math.inf if there is none)."""
''',
        right=strip_gain,
        cases=lambda: [(1, 1), (3, 1), (2, 2), (3, 2), (5, 4), (5, 100)],
        compare=same_factors,
        mistakes=(
            Mistake(
                "the strip is counted as k + delta wide, which is enough "
                "for delta + 1 outputs side by side",
                lambda k, delta: (k * delta / (k + delta), None),
            ),
            Mistake(
                "the strip is counted as k + delta wide, and delta + 1 "
                "outputs fit into that; here it is delta outputs wide",
                lambda k, delta: (k * (delta + 1) / (k + delta), None),
            ),
            Mistake(
                "the plans differ in width: the first reads each pixel "
                "again for each of k strips",
                lambda k, delta: (1, None),
                DIRECTION,
            ),
            Mistake(
                "the second plan reads a wider strip for its delta "
                "outputs, so the gain is less than delta",
                lambda k, delta: (delta, None),
                WIDER,
            ),
            Mistake(
                "the gain has a ceiling: every pixel must be read once",
                lambda k, delta: (None, math.inf),
                WIDER,
            ),
            Mistake(
                "the gain is upside down: it tells how many times more is "
                "read",
                lambda k, delta: ((k + delta - 1) / (k * delta), None),
            ),
            Mistake(
                "the gain is not the number of pixels that the second "
                "plan reads per output, but the first plan's divided by it",
                lambda k, delta: ((k + delta - 1) / delta, None),
            ),
            Mistake(
                "both plans keep their window while they move along, so "
                "each pixel is read k times and not k² times at first",
                lambda k, delta: (None, k * k),
            ),
        ),
    ),
    "7.4.7a": Task(
        stub='''\
def block_multiplications(c, b):
    """Multiplications of a block-diagonal matrix (c, c) with b equal
    blocks times a vector; what is zero outside them is left out."""
''',
        right=block_multiplications,
        cases=lambda: [(1, 1), (2, 1), (2, 2), (6, 2), (12, 3), (512, 8)],
        mistakes=(
            Mistake(
                "that is as many as for the dense matrix; the gain is not "
                "that blocks run at the same time but that products are "
                "left out",
                lambda c, b: c * c,
                PARALLEL,
            ),
            Mistake(
                "that is a single block; there are b of them",
                lambda c, b: (c // b) ** 2,
            ),
            Mistake(
                "each block is a matrix with the square of its size in "
                "entries",
                lambda c, b: c,
            ),
            Mistake(
                "a block has c / b rows and columns, not b",
                lambda c, b: c * b,
            ),
            Mistake(
                "this is the factor of speed; the number of "
                "multiplications is asked for",
                lambda c, b: b,
            ),
        ),
    ),
    "7.4.7b": Task(
        stub='''\
def joining_order(c, b):
    """A list of the channels 0 to c - 1. In this order the outputs of a
    layer with b equal blocks enter a second such layer, which then joins
    what blocks keep apart: every output of the second depends on every
    input of the first. b * b <= c."""
''',
        right=joining_order,
        cases=lambda: [(1, 1), (4, 2), (6, 2), (9, 3), (12, 3), (16, 4)],
        accepts=joins_blocks,
        mistakes=(
            Mistake(
                "in their old order the channels of different blocks "
                "never meet, however many layers follow",
                lambda c, b: list(range(c)),
                DOWNSIDE,
            ),
            Mistake(
                "the other way round whole blocks change places, and "
                "their channels stay among themselves",
                lambda c, b: list(reversed(range(c))),
                DOWNSIDE,
            ),
            Mistake(
                "whole blocks change places, and their channels stay "
                "among themselves",
                lambda c, b: [(j + c // b) % c for j in range(c)],
                DOWNSIDE,
            ),
        ),
    ),
}
