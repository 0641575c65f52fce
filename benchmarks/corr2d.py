"""Compare `ops.corr2d` with two Python loops and with PyTorch's conv2d.

A square image is cross-correlated with a kernel of `--kernel` rows and
columns, in float32:

- by the two loops over the outputs that section 7.2 writes out;
- by `helpers.ops.corr2d`, which loops over the kernel;
- by `torch.nn.functional.conv2d`, PyTorch's own.

The sides of the image are the powers of two from 8 to 1,024. The loops are
timed up to `--loops-to` only: with four times the pixels they take four
times as long, at 1,024 pixels a side some ten seconds for one image. Before
an image is timed, all three must agree. Each time is the median that
torch.utils.benchmark measures in about `--seconds`.

    python benchmarks/corr2d.py
"""

import argparse
from pathlib import Path

import results
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils.benchmark import Timer

from helpers import ops

SIDES = [2**n for n in range(3, 11)]


def corr2d_loops(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate an image (h, w) with a kernel (kh, kw)."""
    kh, kw = K.shape
    rows, columns = X.shape[0] - kh + 1, X.shape[1] - kw + 1
    Y = X.new_zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = X[i : i + kh, j : j + kw]
            Y[i, j] = (window * K).sum()
    return Y


def library(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate with PyTorch's own function."""
    return F.conv2d(X[None, None], K[None, None])[0, 0]


def milliseconds(
    function: str, X: Tensor, K: Tensor, least: float
) -> float:
    """Return the median time of a call, measured for `least` seconds."""
    timer = Timer(
        f"{function}(X, K)",
        setup="from helpers.ops import corr2d",
        globals={
            "X": X,
            "K": K,
            "corr2d_loops": corr2d_loops,
            "library": library,
        },
        num_threads=torch.get_num_threads(),
    )
    return 1000 * timer.blocked_autorange(min_run_time=least).median


def rounded(number: float) -> str:
    """Return three digits that count, such as 0.0771 and 5,200."""
    return f"{float(f'{number:.3g}'):,g}"


def row(side: int, options: argparse.Namespace) -> results.Row:
    """Time all ways on an image of this side."""
    X, K = torch.randn(side, side), torch.randn((options.kernel,) * 2)
    expected = library(X, K)
    assert_close(ops.corr2d(X, K), expected, rtol=1e-4, atol=1e-4)
    ours = milliseconds("corr2d", X, K, options.seconds)
    theirs = milliseconds("library", X, K, options.seconds)
    loops, speed = "not timed", ""
    if side <= options.loops_to:
        assert_close(corr2d_loops(X, K), expected, rtol=1e-4, atol=1e-4)
        taken = milliseconds("corr2d_loops", X, K, options.seconds)
        loops, speed = f"{rounded(taken)} ms", rounded(taken / ours)
    return {
        "side in pixels": f"{side:,}",
        "two loops": loops,
        "ops.corr2d": f"{rounded(ours)} ms",
        "conv2d": f"{rounded(theirs)} ms",
        "loops / ops.corr2d": speed,
        "ops.corr2d / conv2d": rounded(ours / theirs),
    }


def main() -> None:
    """Time all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", type=int, default=3)
    parser.add_argument("--loops-to", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=1.0)
    results.add_option(parser)
    options = parser.parse_args()
    torch.manual_seed(0)
    results.show(
        Path(__file__).name,
        f"Cross-correlation of a square image with a kernel of "
        f"{options.kernel} x {options.kernel}, median time",
        [row(side, options) for side in SIDES if side >= options.kernel],
        options.save,
    )


if __name__ == "__main__":
    main()
