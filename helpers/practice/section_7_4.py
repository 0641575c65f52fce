"""Section 7.4: what its exercises ask for, and known wrong answers."""

from torch import Tensor
from torch.nn import functional as F

from helpers import ops
from helpers.practice.judging import Mistake, Task, random_numbers

__all__ = ["TASKS"]


def combined_kernel(K1: Tensor, K2: Tensor) -> Tensor:
    """One kernel in place of K1 (m, c, ...) followed by K2 (o, m, ...)."""
    return ops.compose_kernels(K1, K2)


def correlated_kernels(K1: Tensor, K2: Tensor) -> Tensor:
    """The same, without turning one of the two."""
    return ops.compose_kernels(K1, K2.flip(2, 3))


def kernel_pairs() -> list[tuple[Tensor, Tensor]]:
    """Pairs of kernels, from 1 x 1 to kernels that are not square."""
    sizes = [
        ((1, 1, 1, 1), (1, 1, 1, 1)),
        ((1, 1, 1, 2), (1, 1, 1, 2)),
        ((1, 1, 2, 2), (1, 1, 2, 2)),
        ((1, 1, 3, 2), (1, 1, 1, 4)),
        ((2, 3, 3, 3), (4, 2, 2, 3)),
    ]
    return [
        (random_numbers(seed, *one), random_numbers(seed + 9, *two))
        for seed, (one, two) in enumerate(sizes)
    ]


def combined_size(k1: int, k2: int, s1: int) -> int:
    """Size of that kernel, if the first layer has the stride s1."""
    return k1 + (k2 - 1) * s1


TASKS = {
    "7.4.1a": Task(
        stub='''\
def combined_kernel(K1, K2):
    """The kernel (o, c, h, w) that replaces K1 (m, c, h1, w1) and,
    behind it, K2 (o, m, h2, w2); stride 1, no padding."""
''',
        right=combined_kernel,
        cases=kernel_pairs,
        mistakes=(
            Mistake(
                "this correlates the two kernels; one of them must be "
                "turned by 180 degrees (and the padding must fit kernels "
                "that are not square)",
                lambda K1, K2: F.conv2d(K1, K2, padding=len(K2[0, 0]) - 1),
                "the combined kernel is one kernel cross-correlated with "
                "the other",
            ),
            Mistake(
                "this is the cross-correlation of the two kernels; one of "
                "them must be turned by 180 degrees",
                correlated_kernels,
                "the combined kernel is one kernel cross-correlated with "
                "the other",
            ),
        ),
    ),
    "7.4.1b": Task(
        stub='''\
def combined_size(k1, k2, s1):
    """Its size along one axis; the first layer has the stride s1."""
''',
        right=combined_size,
        cases=lambda: [(1, 1, 1), (3, 3, 1), (2, 5, 1), (3, 3, 2)],
        mistakes=(
            Mistake(
                "this holds for stride 1 only: with the stride s1 the "
                "second kernel reaches s1 times as far",
                lambda k1, k2, s1: k1 + k2 - 1,
            ),
        ),
    ),
}
