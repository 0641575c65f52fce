"""Section 7.3: what its exercises ask for, and known wrong answers."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.practice.judging import Mistake, Task, random_numbers

__all__ = ["TASKS"]

Pair = tuple[int, int]


def output_shape(
    image: Pair, kernel: Pair, padding: Pair, stride: Pair
) -> Pair:
    """Rows and columns of a layer's output; padding per side."""
    return tuple(
        (n + 2 * p - k) // s + 1
        for n, k, p, s in zip(image, kernel, padding, stride, strict=True)
    )


def shape_by(
    size: Callable[[int, int, int, int], float],
) -> Callable[..., tuple]:
    """A function of pairs that uses a formula n, k, p, s for each axis."""
    return lambda image, kernel, padding, stride: tuple(
        size(n, k, p, s)
        for n, k, p, s in zip(image, kernel, padding, stride, strict=True)
    )


def layers() -> list[tuple[Pair, Pair, Pair, Pair]]:
    """Image, kernel, padding per side and stride."""
    return [
        ((3, 3), (3, 3), (0, 0), (1, 1)),
        ((4, 5), (2, 3), (0, 0), (1, 1)),
        ((4, 5), (3, 3), (1, 1), (1, 1)),
        ((8, 8), (3, 3), (1, 1), (2, 2)),
        ((8, 8), (3, 5), (0, 1), (3, 4)),
        ((7, 7), (3, 5), (0, 1), (3, 4)),
        ((12, 12), (1, 1), (0, 0), (3, 4)),
        ((9, 10), (4, 2), (2, 0), (2, 3)),
        ((1, 6), (3, 4), (1, 3), (5, 1)),
        ((224, 200), (7, 5), (3, 1), (2, 4)),
    ]


def heard(f: float, rate: float) -> float:
    """The tone as which f is heard after every second value is dropped."""
    return min(f, rate / 2 - f)


def tones() -> list[tuple[int, int]]:
    """Frequencies up to half of the rate, and the rate."""
    return [
        (1_000, 16_000),
        (3_000, 16_000),
        (4_000, 16_000),
        (6_000, 16_000),
        (7_500, 16_000),
        (8_000, 16_000),
        (0, 8_000),
        (3_000, 8_000),
        (441, 44_100),
        (15_000, 44_100),
        (3, 10),
    ]


def mirror_pad(X: Tensor, pad: Pair, mode: str) -> Tensor:
    """Mirror an image (h, w) around itself; pad = (rows, columns)."""
    repeat = 1 if mode == "symmetric" else 0
    picked = []
    for n, width in zip(X.shape, pad, strict=True):
        turn = 2 * (n - 1) + repeat
        period = max(turn + repeat, 1)
        places = [t % period for t in range(-width, n + width)]
        picked.append([min(t, turn - t) for t in places])
    rows, columns = picked
    return X[rows][:, columns]


def by_torch(X: Tensor, pad: Pair, mode: str) -> Tensor:
    """`F.pad`, with the name that it has for the mode."""
    rows, columns = pad
    widths = (columns, columns, rows, rows)
    return F.pad(X[None], widths, mode=mode)[0]


def library_reflects(X: Tensor, pad: Pair, mode: str) -> Tensor:
    """Reflect by `F.pad`, which refuses wide paddings."""
    if mode == "reflect":
        return by_torch(X, pad, mode)
    return mirror_pad(X, pad, mode)


def mirrored_once(X: Tensor, pad: Pair, mode: str) -> Tensor:
    """The image between its two mirror images, along each axis."""
    first = 0 if mode == "symmetric" else 1
    for axis, width in enumerate(pad):
        n = X.shape[axis]
        before = X.narrow(axis, first, min(width, n - first))
        start = max(n - first - width, 0)
        behind = X.narrow(axis, start, n - first - start)
        X = torch.cat([before.flip(axis), X, behind.flip(axis)], axis)
    return X


def repeated_edge(X: Tensor, pad: Pair, mode: str) -> Tensor:
    """The pixels at the edge again and again."""
    return by_torch(X, pad, "replicate")


def images_to_pad() -> list[tuple[Tensor, Pair, str]]:
    """Images, paddings per side and modes, the wide paddings last."""
    shapes = [
        ((1, 3), (0, 1)),
        ((3, 1), (1, 0)),
        ((3, 4), (2, 1)),
        ((3, 3), (0, 0)),
        ((4, 5), (1, 3)),
        ((2, 3), (2, 5)),
        ((1, 1), (1, 2)),
        ((3, 2), (7, 4)),
    ]
    return [
        (random_numbers(n, *shape), pad, mode)
        for n, (shape, pad) in enumerate(shapes)
        for mode in ("reflect", "symmetric")
    ]


def cost(h: int, w: int, c_in: int, c_out: int, k: int, s: int) -> Pair:
    """MACs and weights of a layer with padding (k - 1) / 2."""
    outputs = (h // s) * (w // s)
    weights = c_in * c_out * k**2
    return outputs * weights, weights


def chain(strides: list[int]) -> Pair:
    """Receptive field of 3 x 3 layers, and the shift that they follow."""
    field, step = 1, 1
    for s in strides:
        field += 2 * step
        step *= s
    return field, step


def field_with_own_stride(strides: list[int]) -> Pair:
    """The same, if a stride widened the field of its own layer."""
    field, step = 1, 1
    for s in strides:
        step *= s
        field += 2 * step
    return field, step


def half_stride(X: Tensor, K: Tensor) -> Tensor:
    """Stamp the kernel, times each pixel, two places apart."""
    (h, w), (kh, kw) = X.shape, K.shape
    Y = torch.zeros(2 * (h - 1) + kh, 2 * (w - 1) + kw)
    for i in range(h):
        for j in range(w):
            Y[2 * i : 2 * i + kh, 2 * j : 2 * j + kw] += X[i, j] * K
    return Y


def correlate(
    X: Tensor, K: Tensor, stride: int = 1, pad: Pair = (0, 0)
) -> Tensor:
    """Cross-correlate an image with a kernel, as PyTorch does."""
    return F.conv2d(X[None, None], K[None, None], None, stride, pad)[0, 0]


def with_zeros_between(X: Tensor) -> Tensor:
    """A zero between neighbouring pixels."""
    h, w = X.shape
    Y = torch.zeros(2 * h - 1, 2 * w - 1)
    Y[::2, ::2] = X
    return Y


def all_overlaps(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate wherever the kernel touches the image."""
    return correlate(X, K, 1, (len(K) - 1, K.shape[1] - 1))


def undone(X: Tensor, K: Tensor) -> Tensor:
    """The smallest image whose strided convolution is X."""
    shape = half_stride(X, K).shape
    units = torch.eye(shape.numel()).view(-1, *shape)
    A = torch.stack([correlate(unit, K, 2).flatten() for unit in units], 1)
    return (torch.linalg.pinv(A) @ X.flatten()).view(shape)


def images_to_enlarge() -> list[tuple[Tensor, Tensor]]:
    """Images and kernels, most of them not square."""
    shapes = [
        ((1, 1), (1, 1)),
        ((1, 2), (1, 2)),
        ((2, 2), (2, 2)),
        ((2, 3), (3, 3)),
        ((3, 2), (2, 4)),
        ((4, 4), (1, 3)),
    ]
    return [
        (random_numbers(n, *image), random_numbers(n + 50, *kernel))
        for n, (image, kernel) in enumerate(shapes)
    ]


PADDING_BOX = "the padding of the code goes into the formula of the text"
WORSE_BOX = "stride 2 only makes the sound a bit worse"
SPEED_BOX = "stride 2 plays the sound at double speed"
ONE_MIRROR_BOX = "mirror padding is one thing"
ORDER_BOX = "the padding is given as rows, then columns, to every function"
WIDTH_BOX = "a library call works for every width"
UNDO_BOX = "the transposed convolution undoes the convolution"

TASKS = {
    "7.3.1": Task(
        stub='''\
def output_shape(image, kernel, padding, stride):
    """The shape (rows, columns) of a convolutional layer's output.

    Four pairs (rows, columns) of whole numbers, with the padding per
    side, as in nn.Conv2d. The kernel fits into the padded image.
    """
''',
        right=output_shape,
        cases=layers,
        mistakes=(
            Mistake(
                "this puts the padding of one side where the formula "
                "wants that of both sides",
                shape_by(lambda n, k, p, s: (n - k + p + s) // s),
                PADDING_BOX,
            ),
            Mistake(
                "this is no whole number of rows for every size: windows "
                "that are not complete do not count",
                shape_by(lambda n, k, p, s: (n - k + 2 * p + s) / s),
                "leaving out the floor",
            ),
            Mistake(
                "this leaves out the floor, and it puts the padding of one "
                "side where the formula wants that of both sides",
                shape_by(lambda n, k, p, s: (n - k + p + s) / s),
                "leaving out the floor",
            ),
            Mistake(
                "this rounds up, but a window that is not complete does "
                "not count",
                shape_by(
                    lambda n, k, p, s: math.ceil((n - k + 2 * p + s) / s)
                ),
                "leaving out the floor",
            ),
            Mistake(
                "this takes the first number of the stride for the step to "
                "the right; it is the step down",
                lambda image, kernel, padding, stride: output_shape(
                    image, kernel, padding, stride[::-1]
                ),
                "the first number of a stride is the horizontal one",
            ),
            Mistake(
                "this leaves the padding out, as “valid” does in the "
                "TensorFlow version of the example",
                shape_by(lambda n, k, p, s: (n - k) // s + 1),
                "every framework's version of the example has this shape",
            ),
            Mistake(
                "this forgets that the first window needs no step: one "
                "more fits along each axis",
                shape_by(lambda n, k, p, s: (n - k + 2 * p) // s),
            ),
            Mistake(
                "this gives the columns first; rows come first in a shape",
                lambda *case: output_shape(*case)[::-1],
            ),
        ),
    ),
    "7.3.2": Task(
        stub='''\
def heard(f, rate):
    """The frequency in Hz as which a tone of f Hz is heard afterwards.

    The sound has rate samples a second, and 0 <= f <= rate / 2. A layer
    with stride 2 and a kernel of one weight keeps every second sample,
    which are then played at rate / 2, so the sound is as long as before.
    """
''',
        right=heard,
        cases=tones,
        mistakes=(
            Mistake(
                "this leaves high tones as they are, but rate / 2 samples "
                "a second hold none above rate / 4",
                lambda f, rate: f,
                WORSE_BOX,
            ),
            Mistake(
                "this lets high tones vanish, but without a filter they "
                "come back at another place",
                lambda f, rate: f if f <= rate / 4 else 0,
                WORSE_BOX,
            ),
            Mistake(
                "this lets high tones pile up at the highest frequency "
                "that is left; they come back, but not there",
                lambda f, rate: min(f, rate / 4),
                WORSE_BOX,
            ),
            Mistake(
                "this doubles the frequency, but the sound is played at "
                "half the rate, so it takes as long as before",
                lambda f, rate: 2 * f,
                SPEED_BOX,
            ),
            Mistake(
                "this doubles the frequency, but the sound is played at "
                "half the rate, so it takes as long as before",
                lambda f, rate: 2 * heard(f, rate),
                SPEED_BOX,
            ),
            Mistake(
                "this halves the frequency, but half of the samples at "
                "half of the rate are the same tone, if it is low enough",
                lambda f, rate: f / 2,
            ),
            Mistake(
                "this mirrors every tone; low ones stay as they are",
                lambda f, rate: rate / 2 - f,
            ),
            Mistake(
                "this lets high tones begin again at 0 Hz; they come back "
                "from above, as in a mirror",
                lambda f, rate: f % (rate / 4),
            ),
            Mistake(
                "this lets high tones begin again at 0 Hz; they come back "
                "from above, as in a mirror",
                lambda f, rate: f if f <= rate / 4 else f - rate / 4,
            ),
        ),
    ),
    "7.3.3": Task(
        stub='''\
def mirror_pad(X, pad, mode):
    """Mirror padding for an image X (h, w); pad = (rows, columns) per side.

    The mode is "reflect" (the pixels at the edge are not repeated) or
    "symmetric" (they are). A padding may be wider than the image: go on
    mirroring. To reflect an axis of a single pixel, repeat the pixel.
    Returns (h + 2 rows, w + 2 columns).
    """
''',
        right=mirror_pad,
        cases=images_to_pad,
        mistakes=(
            *(
                Mistake(
                    f"this mirrors in one way only, {name}; the two modes "
                    "differ already in the first pixel outside",
                    answer,
                    ONE_MIRROR_BOX,
                )
                for name, answer in [
                    (
                        "“reflect”",
                        lambda X, pad, mode: mirror_pad(X, pad, "reflect"),
                    ),
                    (
                        "“symmetric”",
                        lambda X, pad, mode: mirror_pad(
                            X, pad, "symmetric"
                        ),
                    ),
                    (
                        "“reflect”, and only for narrow paddings",
                        lambda X, pad, mode: by_torch(X, pad, "reflect"),
                    ),
                    (
                        "“reflect”, and only for narrow paddings",
                        lambda X, pad, mode: mirrored_once(
                            X, pad, "reflect"
                        ),
                    ),
                    (
                        "“symmetric”, and only for narrow paddings",
                        lambda X, pad, mode: mirrored_once(
                            X, pad, "symmetric"
                        ),
                    ),
                ]
            ),
            Mistake(
                "the two modes are exchanged; SciPy's “reflect” is what "
                "others call “symmetric”",
                lambda X, pad, mode: mirror_pad(
                    X,
                    pad,
                    "reflect" if mode == "symmetric" else "symmetric",
                ),
                ONE_MIRROR_BOX,
            ),
            Mistake(
                "rows and columns of the padding are exchanged; F.pad "
                "begins with the last axis",
                lambda X, pad, mode: mirror_pad(X, pad[::-1], mode),
                ORDER_BOX,
            ),
            Mistake(
                "F.pad refuses to reflect by as many pixels as the image "
                "has, or by more",
                library_reflects,
                WIDTH_BOX,
            ),
            Mistake(
                "F.pad knows no mode “symmetric”, and it refuses to "
                "reflect by as many pixels as the image has, or by more",
                by_torch,
                WIDTH_BOX,
            ),
            Mistake(
                "this mirrors once; if the padding is wider than the "
                "image, mirror again",
                mirrored_once,
            ),
            Mistake(
                "this repeats the pixel at the edge again and again "
                "(“replicate”), which is no mirror",
                repeated_edge,
            ),
        ),
    ),
    "7.3.4": Task(
        stub='''\
def cost(h, w, c_in, c_out, k, s):
    """What a convolution without bias costs: (MACs, weights).

    Image (c_in, h, w), c_out kernels of k x k, k odd, (k - 1) / 2 pixels
    of padding per side, stride s in both directions; s divides h and w.
    A multiplication with its addition is one MAC, and products with the
    padding count as well. The second number is how many weights there
    are.
    """
''',
        right=cost,
        cases=lambda: [
            (1, 1, 1, 1, 1, 1),
            (4, 4, 1, 1, 3, 1),
            (4, 4, 1, 1, 3, 2),
            (6, 4, 2, 3, 1, 2),
            (9, 6, 3, 1, 5, 3),
            (64, 64, 32, 32, 3, 4),
            (224, 224, 3, 64, 7, 2),
        ],
        mistakes=(
            Mistake(
                "this divides by the stride once, but an image has two "
                "axes, and there are fewer rows and fewer columns",
                lambda h, w, c_in, c_out, k, s: (
                    h * w // s * c_in * c_out * k**2,
                    c_in * c_out * k**2,
                ),
                "stride 2 halves the work",
            ),
            Mistake(
                "this takes fewer weights for a larger stride, but the "
                "kernel is the same, whatever its steps",
                lambda h, w, c_in, c_out, k, s: (
                    cost(h, w, c_in, c_out, k, s)[0],
                    c_in * c_out * k**2 / s**2,
                ),
                "a stride saves weights",
            ),
            Mistake(
                "this takes fewer weights for a larger stride, but the "
                "kernel is the same, whatever its steps",
                lambda h, w, c_in, c_out, k, s: (
                    cost(h, w, c_in, c_out, k, s)[0],
                    c_in * c_out * k**2 / s,
                ),
                "a stride saves weights",
            ),
            Mistake(
                "this counts multiplications and additions apart (FLOPs); "
                "a MAC is one of each",
                lambda *case: (2 * cost(*case)[0], cost(*case)[1]),
            ),
            Mistake(
                "this computes all outputs, but a stride leaves most of "
                "them out before they are computed",
                lambda h, w, c_in, c_out, k, s: cost(
                    h, w, c_in, c_out, k, 1
                ),
            ),
            Mistake(
                "this forgets that every output adds up over all input "
                "channels",
                lambda h, w, c_in, c_out, k, s: cost(h, w, 1, c_out, k, s),
            ),
        ),
    ),
    "7.3.5": Task(
        stub='''\
def chain(strides):
    """What a chain of 3 x 3 layers with these strides sees and follows.

    The strides are a list, first layer first; the same for rows and
    columns; think of an endless image. Returns two numbers of pixels of
    the image: the side of the square that one output of the last layer
    sees (its receptive field), and the smallest shift of the image, more
    than 0, with which the output always moves along unchanged.
    """
''',
        right=chain,
        cases=lambda: [
            ([1],),
            ([2],),
            ([1, 1],),
            ([2, 1],),
            ([1, 2],),
            ([2, 2],),
            ([3, 1, 2],),
            ([2, 4, 3, 1],),
        ],
        mistakes=(
            Mistake(
                "this widens what a strided layer itself sees; its stride "
                "widens what the layers behind it see",
                field_with_own_stride,
                "a strided layer has a larger receptive field",
            ),
            *(
                Mistake(
                    "this lets the output follow every shift, but with a "
                    "stride it follows only some",
                    answer,
                    "a larger stride makes the network invariant to shifts",
                )
                for answer in (
                    lambda strides: (chain(strides)[0], 1),
                    lambda strides: (chain(strides)[0], 0),
                )
            ),
            Mistake(
                "this forgets that a stride makes the layers behind it see "
                "more",
                lambda strides: (2 * len(strides) + 1, chain(strides)[1]),
            ),
            Mistake(
                "the field is right; of the shift this takes only the last "
                "stride, but all of them count",
                lambda strides: (chain(strides)[0], strides[-1]),
            ),
            Mistake(
                "the field is right; of the shift this takes only the "
                "largest stride, but all of them count",
                lambda strides: (chain(strides)[0], max(strides)),
            ),
            Mistake(
                "the field is right; the strides are added up here, but "
                "each step of a layer is one of many steps before it",
                lambda strides: (chain(strides)[0], sum(strides)),
            ),
        ),
    ),
    "7.3.6": Task(
        stub='''\
def half_stride(X, K):
    """A convolution of X (h, w) with K (kh, kw) and the stride 1/2.

    No padding, in the sense of nn.ConvTranspose2d: the output holds all
    places that a pixel of X reaches, so there are 2 (h - 1) + kh rows
    and 2 (w - 1) + kw columns. If a single pixel is 1 and all others are
    0, the output shows K as it is (not turned around).
    """
''',
        right=half_stride,
        cases=images_to_enlarge,
        mistakes=(
            Mistake(
                "this makes the image smaller: it is the stride 2; a "
                "stride of one half makes it larger",
                lambda X, K: correlate(X, K, 2),
                "a stride of one half makes the output smaller",
            ),
            Mistake(
                "this looks for an image whose convolution with stride 2 "
                "is X; the values that a stride has dropped are gone",
                undone,
                UNDO_BOX,
            ),
            Mistake(
                "the kernel is turned around: between zeros, "
                "cross-correlation needs K flipped",
                lambda X, K: all_overlaps(with_zeros_between(X), K),
            ),
            Mistake(
                "this repeats pixels instead of putting zeros between them",
                lambda X, K: all_overlaps(
                    X.repeat_interleave(2, 0).repeat_interleave(2, 1)[
                        :-1, :-1
                    ],
                    K.flip(0, 1),
                ),
            ),
            Mistake(
                "this puts zeros between the pixels and convolves, but the "
                "border is missing: the zeros around must be K's size "
                "minus 1, and K must be flipped",
                lambda X, K: correlate(with_zeros_between(X), K),
            ),
            Mistake(
                "the border is missing: around the zeros between the "
                "pixels there must be as many as K's size minus 1",
                lambda X, K: correlate(with_zeros_between(X), K.flip(0, 1)),
            ),
            Mistake(
                "this adds a row and a column of zeros at the end, as "
                "output_padding = 1 does",
                lambda X, K: F.pad(half_stride(X, K), (0, 1, 0, 1)),
            ),
        ),
    ),
}
