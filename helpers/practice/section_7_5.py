"""Section 7.5: what its exercises ask for, and known wrong answers."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.practice.judging import Mistake, Task, close, random_numbers

__all__ = ["TASKS"]

ZEROS = "max-pooling pads with zeros"
ANY_CONVOLUTION = "any convolution with weights 1/k² averages"
ONE_KERNEL = "a kernel that fails proves it"
FOUR_RELUS = "the maximum of four is the sum of four ReLUs of differences"
SQUARES = "an n × n window takes n² channels and n² layers"
OUTPUT_ALONE = "the cost grows with the size of the output alone"
RELU = "a ReLU can take the place of minimum pooling"
SOFTMAX = "softmax pooling replaces the window by its softmax"


def average_weights(c: int, p_h: int, p_w: int) -> Tensor:
    """Weights (c, c, p_h, p_w) that average each channel by itself."""
    W = torch.zeros(c, c, p_h, p_w)
    for channel in range(c):
        W[channel, channel] = 1 / (p_h * p_w)
    return W


def all_weights(W: Any) -> Tensor:
    """Weights as of a layer without groups; (c, 1, h, w) has c groups."""
    W = torch.as_tensor(W).detach().double()
    if W.shape[1] == 1:
        W = W * torch.eye(len(W)).double()[:, :, None, None]
    return W


def same_weights(found: Any, expected: Any) -> str | None:
    """Compare weights of convolutions, with groups or without."""
    return close(all_weights(found), all_weights(expected))


def two_windows(p_h: int, p_w: int) -> tuple[Tensor, Tensor]:
    """A window with a single 1, and the same with a minus sign."""
    X = torch.zeros(p_h, p_w)
    X[0, 0] = 1
    return X, -X


def excess(windows: Any) -> float:
    """How far the maximum is from affine on X, Z and halfway between."""
    X, Z = (torch.as_tensor(window).double() for window in windows)
    return (X.max() + Z.max() - 2 * ((X + Z) / 2).max()).item()


def same_excess(found: Any, expected: Any) -> str | None:
    """Compare pairs of windows by how much they prove."""
    return close(excess(found), excess(expected))


def refutes_kernels(found: Any, p_h: int, p_w: int) -> str | None:
    """What keeps two windows from refuting all kernels and biases."""
    shapes = [tuple(torch.as_tensor(window).shape) for window in found]
    if shapes != [(p_h, p_w)] * 2:
        return f"its shapes are {shapes}, not two windows ({p_h}, {p_w})"
    largest = max(torch.as_tensor(x).abs().max().item() for x in found)
    if 1e-9 * largest < excess(found) < math.inf:
        return None
    return "there is a kernel that gives all three maxima"


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger of two tensors, by ReLUs only."""
    return (a - b).relu() + b.relu() - (-b).relu()


def max_pool(X: Tensor) -> Tensor:
    """Max-pooling, 2 x 2 side by side, by convolutions and ReLUs."""
    a, b, c, d = torch.eye(4)
    first = torch.stack([a - b, b, -b, c - d, d, -d])
    one = torch.tensor([1.0, 1, -1, 0, 0, 0])
    other = torch.tensor([0, 0, 0, 1.0, 1, -1])
    second = torch.stack([one - other, other, -other])
    last = torch.tensor([[1.0, 1, -1]])
    Y = F.conv2d(X, first.reshape(6, 1, 2, 2), stride=2).relu()
    Y = F.conv2d(Y, second[:, :, None, None]).relu()
    return F.conv2d(Y, last[:, :, None, None])


def corners(X: Tensor) -> tuple[Tensor, ...]:
    """The four pixels of every 2 x 2 window, each as an image."""
    return (
        X[..., ::2, ::2],
        X[..., ::2, 1::2],
        X[..., 1::2, ::2],
        X[..., 1::2, 1::2],
    )


def sum_of_excesses(X: Tensor) -> Tensor:
    """Four ReLUs of differences, added up."""
    a, b, c, d = corners(X)
    return sum((p - q).relu() for p, q in ((a, b), (b, a), (c, a), (d, a)))


def without_negatives(X: Tensor) -> Tensor:
    """The tournament without the third ReLU of each pair."""
    a, b, c, d = corners(X)
    one, other = (a - b).relu() + b.relu(), (c - d).relu() + d.relu()
    return (one - other).relu() + other.relu()


def images() -> list[tuple[Tensor]]:
    """Windows with their maximum in each corner, signs of all kinds."""
    windows = [
        [[1.0, 2.0], [3.0, 4.0]],
        [[4.0, 3.0], [2.0, 1.0]],
        [[-1.0, -2.0], [-3.0, -4.0]],
        [[-4.0, -1.0], [-3.0, -2.0]],
        [[-3.0, -3.0], [-2.0, -3.0]],
    ]
    small = [(torch.tensor([[window]]),) for window in windows]
    return [
        *small,
        (random_numbers(0, 1, 1, 2, 6),),
        (random_numbers(1, 3, 1, 8, 4),),
        (random_numbers(2, 2, 1, 4, 10) - 3,),
    ]


def widths(n: int) -> list[int]:
    """Channels of each ReLU layer of a tournament of n values."""
    channels = []
    while n > 1:
        channels.append(3 * (n // 2) + 2 * (n % 2))
        n = n // 2 + n % 2
    return channels


def one_after_another(n: int) -> list[int]:
    """Channels if each layer compares a single pair."""
    return [3 + 2 * left for left in range(n - 2, -1, -1)]


def comparisons(
    c: int, h: int, w: int, p_h: int, p_w: int, s_h: int, s_w: int
) -> int:
    """Comparisons of max-pooling with a padding as large as the window."""
    h_o, w_o = h // s_h + 1, w // s_w + 1
    return c * h_o * w_o * (p_h * p_w - 1)


def min_pool(X: Tensor, k: int, s: int, p: int) -> Tensor:
    """Minimum pooling by max-pooling."""
    return -F.max_pool2d(-X, k, stride=s, padding=p)


def images_to_pool() -> list[tuple]:
    """Images and the settings of a pooling layer."""
    numbers = torch.tensor([[[[1.0, -2.0], [3.0, 4.0]]]])
    return [
        (numbers, 2, 2, 0),
        (numbers.abs(), 2, 2, 0),
        (numbers.abs(), 2, 1, 1),
        (random_numbers(0, 1, 1, 3, 4), 2, 1, 0),
        (random_numbers(1, 2, 3, 5, 7), 3, 2, 1),
        (random_numbers(2, 1, 2, 6, 6) - 4, 3, 1, 1),
        (random_numbers(3, 1, 2, 6, 6) + 4, 3, 1, 1),
    ]


def softmax_pool(X: Tensor, k: int, T: float) -> Tensor:
    """The mean of each window, weighted by its softmax."""
    windows = X.unfold(2, k, k).unfold(3, k, k).flatten(4)
    weights = (windows / T).softmax(4)
    return (weights * windows).sum(4)


def windows_of(X: Tensor, k: int) -> Tensor:
    """Windows k x k side by side, each as a row of numbers."""
    return X.unfold(2, k, k).unfold(3, k, k).flatten(4)


def softmax_in_place(X: Tensor, k: int, T: float) -> Tensor:
    """Each window replaced by its softmax."""
    columns = F.unfold(X / T, k, stride=k).unflatten(1, (-1, k * k))
    weights = columns.softmax(2).flatten(1, 2)
    return F.fold(weights, X.shape[2:], k, stride=k)


def images_to_weigh() -> list[tuple]:
    """Images, window sizes and temperatures."""
    numbers = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    return [
        (numbers, 2, 1.0),
        (-numbers, 2, 1.0),
        (numbers, 2, 0.5),
        (numbers, 2, 10.0),
        (random_numbers(0, 1, 1, 2, 3), 1, 1.0),
        (random_numbers(1, 2, 3, 6, 8), 2, 0.7),
        (random_numbers(2, 1, 2, 6, 3), 3, 2.0),
    ]


TASKS: dict[str, Task] = {
    "7.5.1": Task(
        stub='''\
def average_weights(c, p_h, p_w):
    """The weights of a convolution, in the shape of those of nn.Conv2d,
    that equals average pooling of c channels with windows p_h x p_w.
    The bias is 0; stride and padding are those of the pooling."""
''',
        right=average_weights,
        cases=lambda: [
            (1, 1, 1),
            (1, 2, 2),
            (1, 2, 3),
            (2, 1, 2),
            (3, 3, 2),
        ],
        compare=same_weights,
        mistakes=(
            Mistake(
                "each output adds the means of all channels; pooling "
                "treats each channel by itself",
                lambda c, p_h, p_w: torch.full(
                    (c, c, p_h, p_w), 1 / (p_h * p_w)
                ),
                ANY_CONVOLUTION,
            ),
            Mistake(
                "each output is the mean over all channels; pooling "
                "treats each channel by itself",
                lambda c, p_h, p_w: torch.full(
                    (c, c, p_h, p_w), 1 / (c * p_h * p_w)
                ),
                ANY_CONVOLUTION,
            ),
            Mistake(
                "this has one output channel, which adds the means of all "
                "channels",
                lambda c, p_h, p_w: torch.full(
                    (1, c, p_h, p_w), 1 / (p_h * p_w)
                ),
                ANY_CONVOLUTION,
            ),
            Mistake(
                "this is the kernel of one channel; pooling keeps all of "
                "them, each by itself",
                lambda c, p_h, p_w: torch.full(
                    (1, 1, p_h, p_w), 1 / (p_h * p_w)
                ),
                ANY_CONVOLUTION,
            ),
            Mistake(
                "this gives sums; the mean divides by the number of pixels",
                lambda c, p_h, p_w: torch.ones(c, 1, p_h, p_w),
            ),
            Mistake(
                "this divides by the rows of the window only",
                lambda c, p_h, p_w: torch.full((c, 1, p_h, p_w), 1 / p_h),
            ),
            Mistake(
                "rows and columns of the window are exchanged",
                lambda c, p_h, p_w: torch.full(
                    (c, 1, p_w, p_h), 1 / (p_h * p_w)
                ),
            ),
        ),
    ),
    "7.5.2": Task(
        stub='''\
def two_windows(p_h, p_w):
    """Two windows (X, Z), each (p_h, p_w), that prove it: no kernel
    with any bias gives all three maxima, of X, of Z and of (X + Z) / 2.
    The windows have at least two pixels."""
''',
        right=two_windows,
        cases=lambda: [(1, 2), (2, 1), (2, 2), (3, 2), (3, 5)],
        compare=same_excess,
        accepts=refutes_kernels,
        mistakes=(
            Mistake(
                "both windows have their largest pixel at the same "
                "place, and the kernel with a single 1 there gives all "
                "three maxima",
                lambda p_h, p_w: (
                    torch.arange(1.0 * p_h * p_w).reshape(p_h, p_w),
                    torch.full((p_h, p_w), 2.0),
                ),
                ONE_KERNEL,
            ),
        ),
    ),
    "7.5.3a": Task(
        stub='''\
def maximum(a, b):
    """The larger of two tensors, entry by entry, out of ReLUs: use only
    sums, differences and torch.relu."""
''',
        right=maximum,
        cases=lambda: [
            (torch.tensor([3.0]), torch.tensor([1.0])),
            (torch.tensor([1.0]), torch.tensor([3.0])),
            (torch.tensor([2.0]), torch.tensor([-1.0])),
            (torch.tensor([-1.0]), torch.tensor([2.0])),
            (torch.tensor([-1.0]), torch.tensor([-3.0])),
            (torch.tensor([-3.0]), torch.tensor([-1.0])),
            (random_numbers(0, 2, 3), random_numbers(1, 2, 3)),
        ],
        mistakes=(
            Mistake(
                "it is right only where b is not negative; the lone b "
                "must get through the ReLU with its sign",
                lambda a, b: (a - b).relu() + b.relu(),
            ),
            Mistake(
                "it is right only where a is not negative; the lone a "
                "must get through the ReLU with its sign",
                lambda a, b: (b - a).relu() + a.relu(),
            ),
            Mistake(
                "this is by how much a exceeds b; b itself is missing",
                lambda a, b: (a - b).relu(),
            ),
            Mistake(
                "this is by how much b exceeds a; a itself is missing",
                lambda a, b: (b - a).relu(),
            ),
            Mistake(
                "this is the distance between the two, not the larger one",
                lambda a, b: (a - b).relu() + (b - a).relu(),
            ),
            Mistake(
                "this adds the positive parts and compares nothing",
                lambda a, b: a.relu() + b.relu(),
            ),
            Mistake(
                "the outer ReLU makes negative maxima 0",
                lambda a, b: torch.maximum(a, b).relu(),
            ),
            Mistake(
                "this is the smaller of the two",
                torch.minimum,
            ),
        ),
    ),
    "7.5.3b": Task(
        stub='''\
def max_pool(X):
    """Max-pooling of X (n, 1, h, w), in windows 2 x 2 side by side, by
    convolutions and ReLUs; h and w are even. A network (nn.Module)
    that does this is an answer too."""
''',
        right=max_pool,
        cases=images,
        mistakes=(
            Mistake(
                "a sum of four ReLUs of differences adds up several "
                "excesses, where only the largest may count",
                sum_of_excesses,
                FOUR_RELUS,
            ),
            Mistake(
                "here one pixel is added to the excesses of the others "
                "over it; only the largest excess may count",
                lambda X: (
                    corners(X)[0]
                    + sum((p - corners(X)[0]).relu() for p in corners(X))
                ),
                FOUR_RELUS,
            ),
            Mistake(
                "negative pixels are lost: a value that passes a ReLU "
                "needs a second channel for its negative part",
                without_negatives,
            ),
            Mistake(
                "a ReLU comes too late or too early: where all pixels are "
                "negative the result is 0",
                lambda X: F.max_pool2d(X, 2).relu(),
            ),
            Mistake(
                "this is the average",
                lambda X: F.avg_pool2d(X, 2),
            ),
            Mistake(
                "this is the minimum",
                lambda X: -F.max_pool2d(-X, 2),
            ),
            Mistake(
                "the window moves by one pixel; side by side it moves by "
                "two",
                lambda X: F.max_pool2d(X, 2, stride=1),
            ),
        ),
    ),
    "7.5.3c": Task(
        stub='''\
def widths(n):
    """A list of the channels of each ReLU layer, for a window of n
    pixels and one input channel: 4 for 2 x 2, 9 for 3 x 3. Each layer
    compares as many pairs as it can; a pair takes 3 channels (as in
    part a, for any signs), a value without a partner 2."""
''',
        right=widths,
        cases=lambda: [(2,), (3,), (4,), (5,), (9,), (16,), (25,)],
        mistakes=(
            Mistake(
                "the field is halved in each layer, so the depth grows "
                "with the logarithm of the number of pixels",
                lambda n: [n] * n,
                SQUARES,
            ),
            Mistake(
                "all pairs of a round fit into one layer; one layer for "
                "each pair is not needed",
                one_after_another,
            ),
            Mistake(
                "these are the values that are left after each layer, not "
                "its channels",
                lambda n: [
                    math.ceil(n / 2**i)
                    for i in range(1, (n - 1).bit_length() + 1)
                ],
            ),
            Mistake(
                "a value without a partner is lost; it takes two channels",
                lambda n: [
                    3 * (n // 2**i) for i in range(1, n.bit_length())
                ],
            ),
            Mistake(
                "a value without a partner needs two channels, one for "
                "each sign",
                lambda n: [w - 1 if w % 3 else w for w in widths(n)],
            ),
            Mistake(
                "a pair needs three channels for values of any sign",
                lambda n: [
                    2 * math.ceil(n / 2**i)
                    for i in range(1, (n - 1).bit_length() + 1)
                ],
            ),
            Mistake(
                "each value meets one other in a layer, not all of them",
                lambda n: [3 * n * (n - 1) // 2],
            ),
        ),
    ),
    "7.5.4": Task(
        stub='''\
def comparisons(c, h, w, p_h, p_w, s_h, s_w):
    """Comparisons of two numbers that max-pooling takes: c channels of
    h x w, window p_h x p_w, stride s_h and s_w. Padding: p_h rows and
    p_w columns in total, both sides together; they are compared too."""
''',
        right=comparisons,
        cases=lambda: [
            (1, 1, 1, 1, 2, 1, 1),
            (1, 3, 3, 2, 2, 1, 1),
            (2, 3, 3, 2, 2, 1, 1),
            (1, 4, 6, 2, 2, 2, 2),
            (3, 12, 17, 3, 5, 2, 3),
            (2, 7, 5, 4, 3, 5, 1),
        ],
        mistakes=(
            Mistake(
                "this leaves the window out: each output looks at p_h p_w "
                "pixels",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c * (h // s_h + 1) * (w // s_w + 1)
                ),
                OUTPUT_ALONE,
            ),
            Mistake(
                "this leaves the channels out: each is pooled by itself",
                lambda c, h, w, p_h, p_w, s_h, s_w: comparisons(
                    1, h, w, p_h, p_w, s_h, s_w
                ),
                OUTPUT_ALONE,
            ),
            Mistake(
                "this leaves channels and window out",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    (h // s_h + 1) * (w // s_w + 1)
                ),
                OUTPUT_ALONE,
            ),
            Mistake(
                "the largest of n numbers takes n - 1 comparisons",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c * (h // s_h + 1) * (w // s_w + 1) * p_h * p_w
                ),
            ),
            Mistake(
                "the largest of n numbers takes n - 1 comparisons, in "
                "each channel",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    (h // s_h + 1) * (w // s_w + 1) * p_h * p_w
                ),
                OUTPUT_ALONE,
            ),
            Mistake(
                "this takes the padding as that of each side; here it is "
                "the total",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c
                    * ((h + p_h) // s_h + 1)
                    * ((w + p_w) // s_w + 1)
                    * (p_h * p_w - 1)
                ),
            ),
            Mistake(
                "the padding is left out",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c
                    * ((h - p_h) // s_h + 1)
                    * ((w - p_w) // s_w + 1)
                    * (p_h * p_w - 1)
                ),
            ),
            Mistake(
                "the output has one more row and column: with this "
                "padding its size is h // s_h + 1",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c * (h // s_h) * (w // s_w) * (p_h * p_w - 1)
                ),
            ),
            Mistake(
                "there is one window for each output, not for each pixel",
                lambda c, h, w, p_h, p_w, s_h, s_w: (
                    c * h * w * (p_h * p_w - 1)
                ),
            ),
        ),
    ),
    "7.5.6": Task(
        stub='''\
def min_pool(X, k, s, p):
    """Minimum pooling of X (n, c, h, w), by another operation: windows
    k x k, stride s, padding p per side, which is never the minimum."""
''',
        right=min_pool,
        cases=images_to_pool,
        mistakes=(
            Mistake(
                "a ReLU works on each number alone and finds no minimum",
                lambda X, k, s, p: F.max_pool2d(X.relu(), k, s, p),
                RELU,
            ),
            Mistake(
                "a ReLU works on each number alone and finds no minimum",
                lambda X, k, s, p: F.max_pool2d((-X).relu(), k, s, p),
                RELU,
            ),
            Mistake(
                "the ReLU removes negative pixels before the minimum is "
                "taken",
                lambda X, k, s, p: -F.max_pool2d(-X.relu(), k, s, p),
                RELU,
            ),
            Mistake(
                "that is a ReLU of each pixel; windows are not compared",
                lambda X, k, s, p: X.relu(),
                RELU,
            ),
            Mistake(
                "the sign must be turned back after pooling",
                lambda X, k, s, p: F.max_pool2d(-X, k, s, p),
            ),
            Mistake(
                "the sign must be turned before pooling as well",
                lambda X, k, s, p: -F.max_pool2d(X, k, s, p),
            ),
            Mistake(
                "this is the maximum",
                lambda X, k, s, p: F.max_pool2d(X, k, s, p),
            ),
            Mistake(
                "this is the average",
                lambda X, k, s, p: F.avg_pool2d(X, k, s, p),
            ),
            Mistake(
                "zeros as padding are the minimum of positive pixels; pad "
                "with infinity, or leave the padding to the pooling",
                lambda X, k, s, p: (
                    -F.max_pool2d(-F.pad(X, [p] * 4), k, stride=s)
                ),
                ZEROS,
            ),
        ),
    ),
    "7.5.7": Task(
        stub='''\
def softmax_pool(X, k, T):
    """Softmax pooling of X (n, c, h, w) in k x k windows side by side,
    to (n, c, h / k, w / k). The temperature T leads from the maximum
    (T near 0) to the mean (T large); T = 1 is the plain softmax."""
''',
        right=softmax_pool,
        cases=images_to_weigh,
        mistakes=(
            *(
                Mistake(
                    "the softmax of a window is a list of weights; pooling "
                    "needs one number, the mean with these weights",
                    answer,
                    SOFTMAX,
                )
                for answer in (
                    lambda X, k, T: (windows_of(X, k) / T).softmax(-1),
                    lambda X, k, T: windows_of(X, k).softmax(-1),
                    lambda X, k, T: (X / T).softmax(-1),
                    lambda X, k, T: X.softmax(-1),
                    softmax_in_place,
                )
            ),
            Mistake(
                "this is the largest weight, not a mean of the values",
                lambda X, k, T: (windows_of(X, k) / T).softmax(-1).amax(-1),
                SOFTMAX,
            ),
            Mistake(
                "the weights of a window always add up to 1; they must be "
                "multiplied by its values",
                lambda X, k, T: (windows_of(X, k) / T).softmax(-1).sum(-1),
                SOFTMAX,
            ),
            Mistake(
                "the mean of the weights says nothing about the values",
                lambda X, k, T: (windows_of(X, k) / T).softmax(-1).mean(-1),
                SOFTMAX,
            ),
            Mistake(
                "the weights already add up to 1; dividing by the number "
                "of pixels makes the result too small",
                lambda X, k, T: softmax_pool(X, k, T) / k**2,
            ),
            Mistake(
                "this does not use the temperature",
                lambda X, k, T: softmax_pool(X, k, 1.0),
            ),
            Mistake(
                "the temperature is upside down: near 0 it must lead to "
                "the maximum",
                lambda X, k, T: softmax_pool(X, k, 1 / T),
            ),
            Mistake(
                "only the weights use the temperature: do not divide the "
                "values by it as well",
                lambda X, k, T: softmax_pool(X, k, T) / T,
            ),
            Mistake(
                "log-sum-exp is a smooth maximum, but no mean: it exceeds "
                "the largest value",
                lambda X, k, T: T * (windows_of(X, k) / T).logsumexp(-1),
            ),
            Mistake(
                "the softmax goes over the columns of the window only",
                lambda X, k, T: (
                    X.unfold(2, k, k)
                    .unfold(3, k, k)
                    .mul(
                        (X / T).unfold(2, k, k).unfold(3, k, k).softmax(-1)
                    )
                    .sum((-1, -2))
                ),
            ),
            Mistake(
                "the softmax goes over the whole image; each window needs "
                "weights that add up to 1",
                lambda X, k, T: (
                    k**2
                    * F.avg_pool2d(
                        X * (X / T).flatten(2).softmax(2).reshape(X.shape),
                        k,
                    )
                ),
            ),
        ),
    ),
}
