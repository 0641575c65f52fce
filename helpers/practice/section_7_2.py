"""Section 7.2: what its exercises ask for, and known wrong answers."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers import ops
from helpers.practice.judging import Mistake, Task, close, random_numbers

__all__ = ["TASKS"]

SOBEL = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def triangle(n: int) -> Tensor:
    """The picture of exercise 1: white on and above the diagonal."""
    return torch.ones(n, n).triu()


def along_rows(X: Tensor) -> Tensor:
    """What K = [1, -1] makes of a picture."""
    return X[:, :-1] - X[:, 1:]


def along_columns(X: Tensor) -> Tensor:
    """What the transposed K makes of a picture."""
    return X[:-1] - X[1:]


def seen(n: int) -> Tensor:
    """What K makes of the triangle."""
    X = torch.ones(n, n).triu()
    return X[:, :-1] - X[:, 1:]


def seen_transposed(n: int) -> Tensor:
    """What K makes of the transposed triangle."""
    X = torch.ones(n, n).triu().T
    return X[:, :-1] - X[:, 1:]


def seen_by_transpose(n: int) -> Tensor:
    """What the transposed K makes of the triangle."""
    X = torch.ones(n, n).triu()
    return X[:-1] - X[1:]


def convolved_like_scipy(X: Tensor) -> Tensor:
    """What `scipy.ndimage.convolve` makes of X with K."""
    return F.pad(-along_rows(X), (0, 1))


def correlated_like_scipy(X: Tensor) -> Tensor:
    """What `scipy.ndimage.correlate` makes of X with K."""
    return F.pad(along_rows(X), (1, 0))


def sizes() -> list[tuple[int]]:
    """Sizes of pictures."""
    return [(3,), (4,), (5,), (8,)]


def direction_kernel(v1: float, v2: float) -> Tensor:
    """The derivative along v = (v1, v2), v1 to the right, v2 down."""
    along_x = torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]) / 2
    along_y = torch.tensor([[-1.0, -1.0], [1.0, 1.0]]) / 2
    return v1 * along_x + v2 * along_y


def rows_that_cancel(v1: float, v2: float) -> Tensor:
    """The kernel with rows (v2, -v2) and (-v1, v1)."""
    return torch.tensor([[v2, -v2], [-v1, v1]])


def four_corners(v1: float, v2: float) -> Tensor:
    """Ones and minus ones in the corners of 3 x 3."""
    return torch.tensor([[1.0, 0, -1], [0, 0, 0], [-1, 0, 1]])


def mixed_corners(v1: float, v2: float) -> Tensor:
    """Ones and minus ones in the corners of 2 x 2."""
    return torch.tensor([[1.0, -1], [-1, 1]])


def measures_slope(found: Any, v1: float, v2: float) -> str | None:
    """Say what is wrong with a kernel's answers to three ramps."""
    K = torch.as_tensor(found).double()
    if K.ndim != 2:
        return f"a kernel has rows and columns, this has {K.ndim} axes"
    y, x = torch.meshgrid(
        *(torch.arange(n) for n in K.shape), indexing="ij"
    )
    for name, ramp, right in [
        ("plain image of ones", torch.ones(K.shape), 0.0),
        ("ramp that rises by 1 per pixel to the right", x, v1),
        ("ramp that rises by 1 per pixel downwards", y, v2),
    ]:
        answer = (K * ramp).sum().item()
        if not math.isclose(answer, right, abs_tol=1e-4):
            return (
                f"on a {name} it gives {answer:.4g}, right is {right:.4g}"
            )
    return None


def same_up_to_a_factor(found: Any, other: Any) -> str | None:
    """Compare kernels, whatever their scale and their sign."""
    one, two = (torch.as_tensor(K).double() for K in (found, other))
    if one.shape != two.shape:
        return "they have different shapes"
    product = F.normalize(one.flatten(), dim=0) @ F.normalize(
        two.flatten(), dim=0
    )
    return None if product.abs() > 0.9999 else "they differ"


def second_derivative(X: Tensor) -> Tensor:
    """f_xx + f_yy at the inner pixels."""
    inside = X[1:-1, 1:-1]
    along_x = X[1:-1, :-2] - 2 * inside + X[1:-1, 2:]
    along_y = X[:-2, 1:-1] - 2 * inside + X[2:, 1:-1]
    return along_x + along_y


def slopes(X: Tensor) -> tuple[Tensor, Tensor]:
    """First derivatives at the inner pixels, along x and along y."""
    along_x = (X[1:-1, 2:] - X[1:-1, :-2]) / 2
    along_y = (X[2:, 1:-1] - X[:-2, 1:-1]) / 2
    return along_x, along_y


def eight_neighbours(X: Tensor) -> Tensor:
    """All eight neighbours minus eight times the pixel."""
    K = torch.ones(3, 3)
    K[1, 1] = -8
    return ops.corr2d(X, K)


def slope_twice(X: Tensor) -> Tensor:
    """[-1, 0, 1] / 2 applied twice along each axis: five taps."""
    taps = torch.tensor([[[[1.0, 0, -2, 0, 1]]]]) / 4
    along_x = F.conv2d(X[None, None], taps)[0, 0]
    along_y = F.conv2d(X[None, None], taps.mT)[0, 0]
    return along_x[2:-2] + along_y[:, 2:-2]


def pictures() -> list[tuple[Tensor]]:
    """A point, a step and random numbers."""
    point, step = torch.zeros(3, 3), torch.zeros(3, 4)
    point[1, 1], step[:, 2:] = 1, 1
    return [
        (point,),
        (step,),
        (random_numbers(0, 3, 4),),
        (random_numbers(1, 5, 5),),
        (random_numbers(2, 6, 9),),
    ]


def gaussian(sigma: float, radius: int) -> Tensor:
    """A Gaussian of that width, cut off at the radius, with sum one."""
    t = torch.arange(-radius, radius + 1)
    row = torch.exp(-(t**2) / (2 * sigma**2))
    kernel = torch.outer(row, row)
    return kernel / kernel.sum()


def uncut_gaussian(sigma: float, radius: int) -> Tensor:
    """The Gaussian with a factor that is right for an endless plane."""
    kernel = gaussian(sigma, radius)
    middle = kernel[radius, radius].clone()
    return kernel / middle / (2 * math.pi * sigma**2)


def without_sum_one(sigma: float, radius: int) -> Tensor:
    """The Gaussian with a 1 in the middle."""
    kernel = gaussian(sigma, radius)
    return kernel / kernel[radius, radius].clone()


def derivative_taps(d: int) -> list[float]:
    """The difference of neighbours, taken d times."""
    taps = [1.0]
    for _ in range(d):
        pairs = zip([0.0, *taps], [*taps, 0.0], strict=True)
        taps = [left - right for left, right in pairs]
    return taps


def central_differences(d: int) -> list[float]:
    """[-1, 0, 1] / 2 applied d times."""
    taps = [0.0] * (2 * d + 1)
    for place, tap in enumerate(derivative_taps(d)):
        taps[2 * place] = tap / 2**d
    return taps


def mentions(found: Any, expected: str) -> str | None:
    """Whether a text contains the words, or says that there are none."""
    if not isinstance(found, str):
        return "it is no text"
    text = found.strip(" .!").casefold()
    if text in ("", "none", "no", "nothing", "no message"):
        text = "no error"
    text = text.replace("without an error", "no error")
    text = text.replace("without error", "no error")
    return None if expected in text else f"it does not say {expected!r}"


def matrices(X: Tensor, K: Tensor) -> tuple[Tensor, Tensor]:
    """Windows of X as rows, and weights for all pixels as rows."""
    (h, w), (kh, kw) = X.shape, K.shape
    windows, weights = [], []
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            windows.append(X[i : i + kh, j : j + kw].flatten())
            row = torch.zeros(h, w)
            row[i : i + kh, j : j + kw] = K
            weights.append(row.flatten())
    return torch.stack(windows), torch.stack(weights)


def both_close(found: Any, expected: Any) -> str | None:
    """Compare pairs of matrices."""
    if not isinstance(expected, tuple):  # a mistake that is no pair
        return close(found, expected)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        return "two matrices are asked for, W and C"
    for name, one, other in zip("WC", found, expected, strict=True):
        complaint = close(one, other)
        if complaint:
            return f"{name}: {complaint}"
    return None


def turned(X: Tensor, K: Tensor) -> tuple[Tensor, Tensor]:
    """Both matrices for the true convolution."""
    W, _ = matrices(X.flip(0, 1), K)
    return W.flip(0), matrices(X, K.flip(0, 1))[1]


def images_and_kernels() -> list[tuple[Tensor, Tensor]]:
    """Images and kernels, most of them not square."""
    shapes = [
        ((1, 2), (1, 1)),
        ((1, 3), (1, 2)),
        ((2, 2), (2, 2)),
        ((3, 2), (2, 1)),
        ((3, 3), (2, 2)),
        ((4, 6), (2, 3)),
        ((5, 4), (3, 2)),
    ]
    return [
        (random_numbers(n, *image), random_numbers(n + 50, *kernel))
        for n, (image, kernel) in enumerate(shapes)
    ]


BLIND_BOX = (
    "this kernel sees vertical edges only, so it misses a diagonal one"
)
LINE_BOX = "the picture is a diagonal matrix"
LIBRARY_BOX = "any edge filter of any library will do"
SOBEL_BOX = (
    "the kernel with rows (1, 0, −1), (2, 0, −2), (1, 0, −1) finds "
    "horizontal edges"
)
CORNERS_BOX = (
    "ones and minus ones in the four corners find edges across (1, 1)"
)
STEEP_BOX = "the second derivative responds most to edges"

MISSED = "the edge is not missed: it changes the brightness both ways"
LINE = (
    "this is right for a diagonal line one pixel thin; the picture here is "
    "white on one side of the diagonal and black on the other"
)
TURNED = (
    "this is the true convolution, which turns K around, so the sign is "
    "the wrong one"
)

TASKS = {
    "7.2.1a": Task(
        stub='''\
def seen(n):
    """What K = [1, -1] (one row, two columns) makes of a picture X.

    X (n, n) has ones on and above its main diagonal and zeros below.
    Returns the cross-correlation, no padding, for any n from 3 on.
    """
''',
        right=seen,
        cases=sizes,
        mistakes=(
            Mistake(MISSED, lambda n: torch.zeros(n, n - 1), BLIND_BOX),
            Mistake(LINE, lambda n: along_rows(torch.eye(n)), LINE_BOX),
            Mistake(
                "this compares each pixel with the one below; K has one "
                "row, so it compares neighbours in a row",
                seen_by_transpose,
                "the kernel compares a pixel with the one in the next row",
            ),
            *(
                Mistake(
                    "SciPy's filters on images pad the picture by "
                    "themselves, so there is a column too many (and "
                    "convolve turns K around)",
                    answer,
                    LIBRARY_BOX,
                )
                for answer in (
                    lambda n: convolved_like_scipy(triangle(n)),
                    lambda n: correlated_like_scipy(triangle(n)),
                )
            ),
            Mistake(TURNED, lambda n: -seen(n)),
            *(
                Mistake(
                    "this is one of Sobel's kernels, not K (its columns "
                    "differ, so it answers most to vertical edges)",
                    answer,
                    SOBEL_BOX,
                )
                for answer in (
                    lambda n: ops.corr2d(triangle(n), SOBEL),
                    lambda n: ops.corr2d(triangle(n), -SOBEL),
                )
            ),
        ),
    ),
    "7.2.1b": Task(
        stub='''\
def seen_transposed(n):
    """What K makes of X transposed; X and K as in part a."""
''',
        right=seen_transposed,
        cases=sizes,
        mistakes=(
            Mistake(
                "this is what K makes of X itself; something changes, "
                "since X is not symmetric",
                seen,
            ),
            Mistake(
                "this is right for X flipped from left to right; "
                "transposing mirrors at the main diagonal, and the edge "
                "along it stays there",
                lambda n: along_rows(triangle(n).fliplr()),
                "transposing turns the diagonal to run the other way",
            ),
            Mistake(
                "this transposes the output of part a; the picture is "
                "transposed before K comes, and K stays",
                lambda n: seen(n).T,
            ),
            Mistake(
                "this transposes K (part c); here the picture is "
                "transposed, and K stays",
                seen_by_transpose,
            ),
            Mistake(MISSED, lambda n: torch.zeros(n, n - 1), BLIND_BOX),
            Mistake(LINE, lambda n: along_rows(torch.eye(n)), LINE_BOX),
            Mistake(
                "SciPy's filters on images pad the picture by themselves, "
                "so there is a column too many",
                lambda n: convolved_like_scipy(triangle(n).T),
                LIBRARY_BOX,
            ),
        ),
    ),
    "7.2.1c": Task(
        stub='''\
def seen_by_transpose(n):
    """What K transposed makes of X itself; X and K as in part a."""
''',
        right=seen_by_transpose,
        cases=sizes,
        mistakes=(
            Mistake(
                "this is what K itself makes of X (part a); K transposed "
                "compares each pixel with the one below",
                seen,
            ),
            Mistake(
                "this transposes X and K, which only transposes the "
                "output of part a",
                lambda n: seen(n).T,
            ),
            Mistake(
                "this transposes X (part b); the outputs of parts b and c "
                "are each other's transposes",
                seen_transposed,
            ),
            Mistake(MISSED, lambda n: torch.zeros(n - 1, n), BLIND_BOX),
            Mistake(LINE, lambda n: along_columns(torch.eye(n)), LINE_BOX),
            Mistake(TURNED, lambda n: -seen_by_transpose(n)),
        ),
    ),
    "7.2.2a": Task(
        stub='''\
def direction_kernel(v1, v2):
    """A kernel (rows, columns) for the derivative along v = (v1, v2).

    v1 counts columns to the right, v2 rows downwards. Cross-correlated
    with any ramp c + g x + h y it gives v1 g + v2 h.
    """
''',
        right=direction_kernel,
        accepts=measures_slope,
        compare=same_up_to_a_factor,
        cases=lambda: [
            (1.0, 0.0),
            (0.0, 1.0),
            (1.0, 1.0),
            (2.0, 1.0),
            (-0.6, 0.8),
            (3.0, -0.5),
        ],
        mistakes=(
            Mistake(
                "its direction is right, but its size or its sign is not: "
                "try it on a ramp that rises by 1 per pixel",
                lambda v1, v2: -2 * direction_kernel(v1, v2),
            ),
            Mistake(
                "this swaps v1 and v2: v1 counts columns (x), though "
                "PyTorch's first axis counts rows",
                lambda v1, v2: direction_kernel(v2, v1),
            ),
            Mistake(
                "this lets y point up; rows of an image count downwards",
                lambda v1, v2: direction_kernel(v1, -v2),
            ),
            Mistake(
                "this measures the change along the edge instead of the "
                "one across it: it is turned by 90 degrees",
                lambda v1, v2: direction_kernel(-v2, v1),
            ),
            Mistake(
                "each row of this kernel is a difference along x, so it "
                "is blind to any change along y",
                rows_that_cancel,
                "the kernel with rows (v₂, −v₂) and (−v₁, v₁) finds edges "
                "across v",
            ),
            *(
                Mistake(
                    "this is a mixed second derivative: it gives zero on "
                    "every ramp",
                    answer,
                    CORNERS_BOX,
                )
                for answer in (four_corners, mixed_corners)
            ),
        ),
    ),
    "7.2.2b": Task(
        stub='''\
def second_derivative(X):
    """The second derivatives along x and along y, added.

    X (h, w) is an image; returns (h - 2, w - 2), one number for every
    pixel that is not at the border, with as few taps along each axis as
    possible. Then see which structures in an image answer most.
    """
''',
        right=second_derivative,
        cases=pictures,
        mistakes=(
            *(
                Mistake(
                    "this is a first derivative; it is large at an edge, "
                    "but the second one is zero on any even slope",
                    answer,
                    STEEP_BOX,
                )
                for answer in (
                    lambda X: sum(slopes(X)),
                    lambda X: 2 * sum(slopes(X)),
                    lambda X: torch.hypot(*slopes(X)),
                    lambda X: 2 * torch.hypot(*slopes(X)),
                    lambda X: sum(slope.abs() for slope in slopes(X)),
                    lambda X: sum(slope**2 for slope in slopes(X)),
                )
            ),
            Mistake(
                "this counts the diagonal neighbours as well: more than "
                "the derivatives along x and along y",
                eight_neighbours,
            ),
            Mistake(
                "the sign is the wrong one: on x² the answer must be +2",
                lambda X: -second_derivative(X),
            ),
            Mistake(
                "this applies a first derivative of three taps twice, "
                "which makes five taps; fewer do",
                slope_twice,
            ),
            *(
                Mistake("this is the derivative along one axis only", one)
                for one in (
                    lambda X: ops.corr2d(
                        X[1:-1], torch.tensor([[1.0, -2, 1]])
                    ),
                    lambda X: ops.corr2d(
                        X[:, 1:-1], torch.tensor([[1.0], [-2], [1]])
                    ),
                )
            ),
        ),
    ),
    "7.2.2c": Task(
        stub='''\
def gaussian(sigma, radius):
    """A kernel (2 radius + 1, 2 radius + 1) that blurs.

    Its weights follow a Gaussian of standard deviation sigma (in pixels)
    around the middle, and an image of one grey keeps its brightness.
    """
''',
        right=gaussian,
        cases=lambda: [(1.0, 0), (1.0, 1), (0.5, 1), (2.0, 3), (1.5, 5)],
        mistakes=(
            Mistake(
                "its weights do not add up to one, so a grey image becomes "
                "brighter",
                without_sum_one,
            ),
            Mistake(
                "its weights do not add up to one: the factor 1 / (2πσ²) "
                "is right for an endless plane; divide by the sum",
                uncut_gaussian,
            ),
            Mistake(
                "the exponent is twice as large as it should be: a "
                "Gaussian has 2σ² below the line",
                lambda sigma, radius: gaussian(sigma / 2**0.5, radius),
            ),
            Mistake(
                "this is the mean of the window, a box and no Gaussian",
                lambda sigma, radius: torch.full(
                    (2 * radius + 1, 2 * radius + 1),
                    1 / (2 * radius + 1) ** 2,
                ),
            ),
            Mistake(
                "this is a Gaussian along one axis only",
                lambda sigma, radius: gaussian(sigma, radius).sum(0),
            ),
        ),
    ),
    "7.2.2d": Task(
        stub='''\
def derivative_taps(d):
    """The taps of the derivative of order d along x, from left to right.

    A flat list, as short as possible, for neighbouring pixels. The
    cross-correlation with the numbers x^d is d! everywhere, and that
    with any lower power of x is 0.
    """
''',
        right=derivative_taps,
        cases=lambda: [(d,) for d in range(1, 7)],
        mistakes=(
            Mistake(
                "this applies [1, -1] again and again, and every pass "
                "turns the sign: it is (-1)^d times the derivative",
                lambda d: derivative_taps(d)[::-1],
                "an example with d + 1 taps shows that fewer do not work",
            ),
            Mistake(
                "these taps have no minus signs: they add up to 2^d, and "
                "they blur",
                lambda d: [abs(tap) for tap in derivative_taps(d)],
            ),
            Mistake(
                "this is a derivative of order d, but 2 d + 1 taps are "
                "more than needed",
                central_differences,
            ),
            Mistake(
                "this is one tap too few: it is the derivative of order "
                "d - 1",
                lambda d: derivative_taps(d - 1),
            ),
        ),
    ),
    "7.2.3": Task(
        stub="""\
# The message of the error that you get from PyTorch if a loss, which is
# one number, is computed from the layer's output and its backward() is
# called: a few words of it, or "no error".
message = None
""",
        right="no error",
        compare=mentions,
        mistakes=(
            Mistake(
                "this message is about a loss in which nothing requires a "
                "gradient (no_grad, detach); the layer's parameters do",
                "does not require grad",
                "the error says that a tensor does not require grad",
            ),
            Mistake(
                "this is a warning about another class, not an error, and "
                "it has nothing to do with gradients",
                "lazy",
                "the warning about lazy modules is the answer",
            ),
            Mistake(
                "this message comes if backward is called on the output "
                "itself, which is a matrix and not one number",
                "scalar outputs",
            ),
            Mistake(
                "this message comes from the second backward for the same "
                "output, whatever the layer",
                "second time",
            ),
            Mistake(
                "an assignment into a tensor is recorded by PyTorch as an "
                "operation of its own; MXNet is what refuses it",
                "inplace operations",
            ),
            Mistake(
                "PyTorch refuses a weight that is changed in place outside "
                "of no_grad; the layer's loops do not change its weights",
                "in-place operation",
            ),
        ),
    ),
    "7.2.4": Task(
        stub='''\
def matrices(X, K):
    """Two matrices (W, C) that turn cross-correlation into a product.

    W is made of the image X (h, w) alone, C of the kernel K (kh, kw) and
    the shape of X alone. W @ K.flatten() and C @ X.flatten() both are
    the output, flattened row by row (stride 1, no padding).
    """
''',
        right=matrices,
        cases=images_and_kernels,
        compare=both_close,
        mistakes=(
            *(
                Mistake(
                    "flattening both is not enough: one of the two must "
                    "become a matrix with a row for each output",
                    answer,
                    "flatten image and kernel and multiply",
                )
                for answer in (
                    lambda X, K: (X.flatten(), K.flatten()),
                    lambda X, K: X.flatten() @ K.flatten(),
                    lambda X, K: torch.outer(X.flatten(), K.flatten()),
                )
            ),
            Mistake(
                "the windows are the columns of this W, as F.unfold "
                "returns them; W needs them as rows",
                lambda X, K: (matrices(X, K)[0].T, matrices(X, K)[1]),
            ),
            Mistake(
                "this C is transposed: it takes outputs to pixels, as the "
                "backward pass does",
                lambda X, K: (matrices(X, K)[0], matrices(X, K)[1].T),
            ),
            Mistake(
                "both matrices are transposed: each needs a row for each "
                "output",
                lambda X, K: tuple(M.T for M in matrices(X, K)),
            ),
            Mistake(
                "these are the right matrices in the other order",
                lambda X, K: matrices(X, K)[::-1],
            ),
            Mistake(
                "these are the matrices of the true convolution, for which "
                "the kernel is turned",
                turned,
            ),
            Mistake(
                "this C is the matrix of the true convolution, for which "
                "the kernel is turned",
                lambda X, K: (matrices(X, K)[0], turned(X, K)[1]),
            ),
        ),
    ),
}
