"""helpers.ops against PyTorch and NumPy on random shapes, and bad input."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers import ops

many = settings(max_examples=60)
few = settings(max_examples=20)

sizes = st.integers(1, 7)
channels = st.integers(1, 3)
seeds = st.integers(0, 10_000)
# Small whole numbers are exact in all of these, so results can be equal.
exact_dtypes = st.sampled_from(
    [torch.float32, torch.float64, torch.int64, torch.int32, torch.int16]
)


def whole(seed, *shape, dtype=torch.float64):
    """Random whole numbers from -9 to 9."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-9, 10, shape, generator=generator).to(dtype)


def real(seed, *shape):
    """Random float64 numbers that require gradients."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(shape, generator=generator, dtype=torch.float64)
    return X.requires_grad_()


@st.composite
def image_and_kernel_sizes(draw):
    h, w = draw(sizes), draw(sizes)
    return h, w, draw(st.integers(1, h)), draw(st.integers(1, w))


def same(actual, expected):
    """Equal in shape, dtype and every value."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    return torch.equal(actual, expected)


# Cross-correlation


def test_corr2d_on_a_case_worked_by_hand():
    X = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    K = torch.tensor([[0, 1], [2, 3]])
    assert ops.corr2d(X, K).tolist() == [[19, 25], [37, 43]]


@many
@given(image_and_kernel_sizes(), exact_dtypes, seeds)
def test_corr2d_equals_the_library(shape, dtype, seed):
    h, w, kh, kw = shape
    X = whole(seed, h, w, dtype=dtype)
    K = whole(seed + 1, kh, kw, dtype=dtype)
    expected = F.conv2d(X[None, None], K[None, None])[0, 0]
    assert same(ops.corr2d(X, K), expected)


@few
@given(image_and_kernel_sizes(), seeds)
def test_corr2d_equals_the_library_on_real_numbers(shape, seed):
    h, w, kh, kw = shape
    X, K = real(seed, h, w), real(seed + 1, kh, kw)
    expected = F.conv2d(X[None, None], K[None, None])[0, 0]
    torch.testing.assert_close(
        ops.corr2d(X, K), expected, rtol=0, atol=1e-12
    )


@many
@given(image_and_kernel_sizes(), channels, exact_dtypes, seeds)
def test_corr2d_multi_in_equals_the_library(shape, c, dtype, seed):
    h, w, kh, kw = shape
    X = whole(seed, c, h, w, dtype=dtype)
    K = whole(seed + 1, c, kh, kw, dtype=dtype)
    expected = F.conv2d(X[None], K[None])[0, 0]
    assert same(ops.corr2d_multi_in(X, K), expected)


@many
@given(image_and_kernel_sizes(), channels, channels, exact_dtypes, seeds)
def test_corr2d_multi_in_out_equals_the_library(shape, c, o, dtype, seed):
    h, w, kh, kw = shape
    X = whole(seed, c, h, w, dtype=dtype)
    K = whole(seed + 1, o, c, kh, kw, dtype=dtype)
    expected = F.conv2d(X[None], K)[0]
    assert same(ops.corr2d_multi_in_out(X, K), expected)


@many
@given(sizes, sizes, channels, channels, exact_dtypes, seeds)
def test_corr2d_multi_in_out_1x1_equals_the_library(
    h, w, c, o, dtype, seed
):
    X = whole(seed, c, h, w, dtype=dtype)
    K = whole(seed + 1, o, c, 1, 1, dtype=dtype)
    Y = ops.corr2d_multi_in_out_1x1(X, K)
    assert same(Y, F.conv2d(X[None], K)[0])
    assert same(Y, ops.corr2d_multi_in_out(X, K))


def test_large_integers_stay_exact():
    X = torch.tensor([[2**53, 1]])  # the sum is no float64
    K = torch.ones(1, 2, dtype=torch.int64)
    assert ops.corr2d(X, K).item() == 2**53 + 1
    X3, K4 = X.reshape(2, 1, 1), K.reshape(1, 2, 1, 1)
    assert ops.corr2d_multi_in_out_1x1(X3, K4).item() == 2**53 + 1
    assert ops.compose_kernels(X, K).tolist() == [[2**53, 2**53 + 1, 1]]
    assert (ops.conv_matrix(K, (1, 2)) @ X.flatten()).item() == 2**53 + 1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8])
def test_sums_wrap_around_in_small_integers_as_in_the_library(dtype):
    X = torch.tensor([[100, 100, 27], [100, 100, 1]], dtype=dtype)
    K = torch.ones(2, 2, dtype=dtype)
    Y = ops.corr2d(X, K)
    assert same(Y, F.conv2d(X[None, None], K[None, None])[0, 0])
    assert (Y[0, 0].item() - 400) % 256 == 0
    assert Y[0, 0].item() != 400
    X3, K4 = X.reshape(3, 2, 1), torch.ones(1, 3, 1, 1, dtype=dtype)
    Y = ops.corr2d_multi_in_out_1x1(X3, K4)
    assert same(Y, ops.corr2d_multi_in_out(X3, K4))


@pytest.mark.parametrize("dtype", ops.DTYPES, ids=str)
def test_every_function_keeps_the_dtype(dtype):
    X = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(dtype)
    K = torch.tensor([[1, 2]]).to(dtype)
    K4 = K.reshape(1, 2, 1, 1)
    assert same(
        ops.corr2d(X, K), torch.tensor([[5, 8], [14, 17]]).to(dtype)
    )
    X3 = X.reshape(2, 3, 1)
    outputs = [
        ops.corr2d_multi_in(X3, X3),
        ops.corr2d_multi_in_out(X3, K4),
        ops.corr2d_multi_in_out_1x1(X3, K4),
        ops.pool2d(X, 2),
        ops.compose_kernels(K, K),
        ops.conv_matrix(K, (2, 3)),
        ops.mirror_pad(X, 1),
    ]
    assert [Y.dtype for Y in outputs] == [dtype] * len(outputs)


def test_every_function_keeps_the_device():
    X = torch.empty(2, 5, 4, device="meta")
    K = torch.empty(3, 2, 2, 3, device="meta")
    K1 = torch.empty(3, 2, 1, 1, device="meta")
    outputs = {
        (4, 2): ops.corr2d(X[0], K[0, 0]),
        (1, 1): ops.corr2d_multi_in(X, X),
        (3, 4, 2): ops.corr2d_multi_in_out(X, K),
        (3, 5, 4): ops.corr2d_multi_in_out_1x1(X, K1),
        (3, 3): ops.pool2d(X[0], (3, 2)),
        (3, 4): ops.compose_kernels(K[0, 0], K[0, 0, :, :2]),
        (8, 20): ops.conv_matrix(K[0, 0], (5, 4)),
        (2, 7, 6): ops.mirror_pad(X, 1),
    }
    for shape, Y in outputs.items():
        assert tuple(Y.shape) == shape
        assert Y.device.type == "meta"


# Pooling


@st.composite
def pooling_cases(draw):
    h, w, rows, columns = draw(image_and_kernel_sizes())
    if rows == columns and draw(st.booleans()):
        return h, w, rows
    return h, w, (rows, columns)


@many
@given(pooling_cases(), exact_dtypes, seeds)
def test_max_pooling_equals_the_library(case, dtype, seed):
    h, w, pool_size = case
    X = whole(seed, h, w, dtype=dtype)
    expected = F.max_pool2d(X.double()[None], pool_size, stride=1)[0]
    assert same(ops.pool2d(X, pool_size), expected.to(dtype))
    assert same(ops.pool2d(X, pool_size, mode="max"), expected.to(dtype))


@many
@given(pooling_cases(), seeds)
def test_average_pooling_equals_the_library(case, seed):
    h, w, pool_size = case
    X = real(seed, h, w)
    expected = F.avg_pool2d(X[None], pool_size, stride=1)[0]
    torch.testing.assert_close(
        ops.pool2d(X, pool_size, "avg"), expected, rtol=0, atol=1e-14
    )


@few
@given(pooling_cases(), seeds)
def test_max_pooling_sends_gradients_where_the_library_does(case, seed):
    h, w, pool_size = case
    X = whole(seed, h, w).div(5).round().requires_grad_()  # many ties
    pooled = ops.pool2d(X, pool_size)
    weights = whole(seed + 1, *pooled.shape)
    (ours,) = torch.autograd.grad((weights * pooled).sum(), X)
    pooled = F.max_pool2d(X[None], pool_size, stride=1)[0]
    (theirs,) = torch.autograd.grad((weights * pooled).sum(), X)
    assert same(ours, theirs)


# Two layers as one


@many
@given(sizes, sizes, sizes, sizes, exact_dtypes, seeds)
def test_composed_kernel_equals_two_layers(kh1, kw1, kh2, kw2, dtype, seed):
    K1 = whole(seed, kh1, kw1, dtype=dtype) % 4
    K2 = whole(seed + 1, kh2, kw2, dtype=dtype) % 4
    K = ops.compose_kernels(K1, K2)
    assert K.shape == (kh1 + kh2 - 1, kw1 + kw2 - 1)
    X = whole(seed + 2, kh1 + kh2 + 1, kw1 + kw2, dtype=dtype) % 4
    assert same(ops.corr2d(X, K), ops.corr2d(ops.corr2d(X, K1), K2))


@few
@given(*[st.integers(1, 3)] * 7, exact_dtypes, seeds)
def test_composed_kernel_equals_two_layers_with_channels(
    o, m, c, kh1, kw1, kh2, kw2, dtype, seed
):
    K1 = whole(seed, m, c, kh1, kw1, dtype=dtype) % 4
    K2 = whole(seed + 1, o, m, kh2, kw2, dtype=dtype) % 4
    K = ops.compose_kernels(K1, K2)
    assert K.shape == (o, c, kh1 + kh2 - 1, kw1 + kw2 - 1)
    X = whole(seed + 2, 1, c, kh1 + kh2 + 1, kw1 + kw2, dtype=dtype) % 4
    assert same(F.conv2d(X, K), F.conv2d(F.conv2d(X, K1), K2))


# Cross-correlation as a matrix


@many
@given(image_and_kernel_sizes(), exact_dtypes, seeds)
def test_conv_matrix_times_image_is_corr2d(shape, dtype, seed):
    h, w, kh, kw = shape
    X = whole(seed, h, w, dtype=dtype)
    K = whole(seed + 1, kh, kw, dtype=dtype)
    C = ops.conv_matrix(K, (h, w))
    Y = ops.corr2d(X, K)
    assert C.shape == (Y.numel(), X.numel())
    assert same(C @ X.flatten(), Y.flatten())


@few
@given(image_and_kernel_sizes(), seeds)
def test_transposed_conv_matrix_is_the_backward_pass(shape, seed):
    h, w, kh, kw = shape
    X, K = real(seed, h, w), whole(seed + 1, kh, kw)
    Y = ops.corr2d(X, K)
    G = whole(seed + 2, *Y.shape)
    (expected,) = torch.autograd.grad(Y, X, G)
    C = ops.conv_matrix(K, X.shape)
    assert same(C.T @ G.flatten(), expected.flatten())


def test_conv_matrix_is_doubly_blocked():
    C = ops.conv_matrix(torch.tensor([[1, 2], [3, 4]]), (3, 3))
    assert C.tolist() == [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]


# Mirror padding


def test_the_two_mirrors_of_a_row():
    X = torch.tensor([[1, 2, 3, 4]])
    reflected = ops.mirror_pad(X, (0, 2), "reflect")
    assert reflected.tolist() == [[3, 2, 1, 2, 3, 4, 3, 2]]
    assert same(ops.mirror_pad(X, (0, 2)), reflected)
    symmetric = ops.mirror_pad(X, (0, 2), "symmetric")
    assert symmetric.tolist() == [[2, 1, 1, 2, 3, 4, 4, 3]]


@many
@given(
    st.lists(sizes, min_size=2, max_size=4),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from(["reflect", "symmetric"]),
    exact_dtypes,
    seeds,
)
def test_mirror_pad_equals_numpy(shape, rows, columns, mode, dtype, seed):
    X = whole(seed, *shape, dtype=dtype)
    widths = [(0, 0)] * (len(shape) - 2) + [(rows,) * 2, (columns,) * 2]
    expected = torch.from_numpy(np.pad(X.numpy(), widths, mode=mode))
    assert same(ops.mirror_pad(X, (rows, columns), mode), expected)
    if rows == columns:
        assert same(ops.mirror_pad(X, rows, mode), expected)


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_mirror_pad_by_one_number_pads_all_sides(mode):
    X = whole(0, 2, 5)
    expected = torch.from_numpy(np.pad(X.numpy(), 3, mode=mode))
    assert same(ops.mirror_pad(X, 3, mode), expected)


@few
@given(sizes, sizes, st.data(), seeds)
def test_mirror_pad_equals_the_library(h, w, data, seed):
    rows = data.draw(st.integers(0, h - 1))
    columns = data.draw(st.integers(0, w - 1))
    X = whole(seed, 2, 3, h, w)
    expected = F.pad(X, (columns, columns, rows, rows), mode="reflect")
    assert same(ops.mirror_pad(X, (rows, columns), "reflect"), expected)


# Counting the uses of pixels


@few
@given(sizes, sizes, st.data())
def test_window_counts_are_those_of_a_loop(h, w, data):
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    kh, kw = data.draw(pair)
    down, right = data.draw(pair)
    modes = {"constant": "constant", "replicate": "edge"}
    if h > 3 and w > 3:
        modes |= {"reflect": "reflect", "circular": "wrap"}
    mode, in_numpy = data.draw(st.sampled_from(list(modes.items())))
    rows = data.draw(st.integers(max(0, (kh - h + 1) // 2), 3))
    columns = data.draw(st.integers(max(0, (kw - w + 1) // 2), 3))
    pixels = np.arange(1, h * w + 1).reshape(h, w)
    around = ((rows, rows), (columns, columns))
    padded = np.pad(pixels, around, mode=in_numpy)  # zeros: no pixel
    uses = np.zeros(h * w + 1)
    for i in range(0, padded.shape[0] - kh + 1, down):
        for j in range(0, padded.shape[1] - kw + 1, right):
            np.add.at(uses, padded[i : i + kh, j : j + kw], 1)
    found = ops.window_counts(
        (h, w), (kh, kw), (rows, columns), (down, right), mode
    )
    assert found.flatten().tolist() == uses[1:].tolist()


def test_window_counts_take_one_number_for_both_axes():
    found = ops.window_counts((5, 6), 3, 1, 2)
    assert same(found, ops.window_counts((5, 6), (3, 3), (1, 1), (2, 2)))
    with torch.no_grad():
        assert same(found, ops.window_counts((5, 6), 3, 1, 2))


# Gradients, and arguments that stay as they were


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (ops.corr2d, [(4, 5), (2, 3)]),
        (ops.corr2d_multi_in, [(2, 4, 3), (2, 3, 2)]),
        (ops.corr2d_multi_in_out, [(2, 4, 3), (3, 2, 2, 2)]),
        (ops.corr2d_multi_in_out_1x1, [(2, 4, 3), (3, 2, 1, 1)]),
        (lambda X: ops.pool2d(X, (2, 3)), [(4, 5)]),
        (lambda X: ops.pool2d(X, (2, 3), "avg"), [(4, 5)]),
        (ops.compose_kernels, [(2, 3), (3, 2)]),
        (ops.compose_kernels, [(2, 3, 1, 2), (2, 2, 2, 1)]),
        (lambda K: ops.conv_matrix(K, (4, 3)), [(2, 2)]),
        (lambda X: ops.mirror_pad(X, (5, 1), "reflect"), [(2, 3, 2)]),
        (lambda X: ops.mirror_pad(X, (5, 1), "symmetric"), [(2, 3, 2)]),
    ],
)
def test_gradients(function, shapes):
    tensors = [real(i, *shape) for i, shape in enumerate(shapes)]
    before = [T.detach().clone() for T in tensors]
    assert torch.autograd.gradcheck(function, tensors)
    assert all(map(torch.equal, tensors, before))


# Bad input

X2, K2 = torch.zeros(5, 7), torch.zeros(2, 3)
X3, K3, K4 = (
    torch.zeros(2, 5, 7),
    torch.zeros(2, 2, 3),
    torch.zeros(4, 2, 2, 3),
)

BAD = {
    "kernel too high": (
        lambda: ops.corr2d(X2, torch.zeros(6, 1)),
        ["kernel (6, 1)", "larger", "(5, 7)"],
    ),
    "kernel too wide": (
        lambda: ops.corr2d(X2, torch.zeros(1, 8)),
        ["kernel (1, 8)", "larger", "(5, 7)"],
    ),
    "image with three axes": (
        lambda: ops.corr2d(X3, K2),
        ["X", "(h, w)", "(2, 5, 7)"],
    ),
    "kernel with one axis": (
        lambda: ops.corr2d(X2, torch.zeros(3)),
        ["K", "(kh, kw)", "(3,)"],
    ),
    "empty image": (
        lambda: ops.corr2d(torch.zeros(0, 7), K2),
        ["X is empty", "(0, 7)"],
    ),
    "empty kernel": (
        lambda: ops.corr2d(X2, torch.zeros(2, 0)),
        ["K is empty", "(2, 0)"],
    ),
    "two dtypes": (
        lambda: ops.corr2d(X2, K2.long()),
        ["torch.float32", "torch.int64", "(5, 7)", "(2, 3)"],
    ),
    "two float dtypes": (
        lambda: ops.corr2d(X2, K2.double()),
        ["torch.float32", "torch.float64"],
    ),
    "two devices": (
        lambda: ops.corr2d(X2, K2.to("meta")),
        ["X is on cpu", "K is on meta"],
    ),
    "boolean image": (
        lambda: ops.corr2d(X2.bool(), K2.bool()),
        ["X is torch.bool", "float32"],
    ),
    "complex kernel": (
        lambda: ops.corr2d(X2, K2.cfloat()),
        ["K is torch.complex64", "float32"],
    ),
    "multi_in, channels": (
        lambda: ops.corr2d_multi_in(X3, torch.zeros(3, 2, 3)),
        ["(2, 5, 7)", "(3, 2, 3)", "2 channels", "takes 3"],
    ),
    "multi_in, one channel for all": (
        lambda: ops.corr2d_multi_in(X3, K3[:1]),
        ["(1, 2, 3)", "2 channels", "takes 1"],
    ),
    "multi_in, axes": (
        lambda: ops.corr2d_multi_in(X2, K3),
        ["X", "(c, h, w)", "(5, 7)"],
    ),
    "multi_in, kernel axes": (
        lambda: ops.corr2d_multi_in(X3, K4),
        ["K", "(c, kh, kw)", "(4, 2, 2, 3)"],
    ),
    "multi_in, kernel too large": (
        lambda: ops.corr2d_multi_in(X3, torch.zeros(2, 6, 3)),
        ["kernel (2, 6, 3)", "larger", "(2, 5, 7)"],
    ),
    "multi_in, two dtypes": (
        lambda: ops.corr2d_multi_in(X3, K3.half()),
        ["torch.float32", "torch.float16"],
    ),
    "multi_in_out, channels": (
        lambda: ops.corr2d_multi_in_out(X3, torch.zeros(2, 4, 2, 3)),
        ["(2, 5, 7)", "(2, 4, 2, 3)", "2 channels", "takes 4"],
    ),
    "multi_in_out, axes": (
        lambda: ops.corr2d_multi_in_out(X3, K3),
        ["K", "(o, c, kh, kw)", "(2, 2, 3)"],
    ),
    "multi_in_out, no output channels": (
        lambda: ops.corr2d_multi_in_out(X3, K4[:0]),
        ["K is empty", "(0, 2, 2, 3)"],
    ),
    "multi_in_out, two dtypes": (
        lambda: ops.corr2d_multi_in_out(X3.int(), K4),
        ["torch.int32", "torch.float32"],
    ),
    "1x1, window": (
        lambda: ops.corr2d_multi_in_out_1x1(X3, K4),
        ["(o, c, 1, 1)", "(4, 2, 2, 3)"],
    ),
    "1x1, channels": (
        lambda: ops.corr2d_multi_in_out_1x1(X3, torch.zeros(4, 3, 1, 1)),
        ["(4, 3, 1, 1)", "2 channels", "takes 3"],
    ),
    "1x1, axes": (
        lambda: ops.corr2d_multi_in_out_1x1(X3, torch.zeros(4, 2)),
        ["K", "(o, c, 1, 1)", "(4, 2)"],
    ),
    "pool, window too high": (
        lambda: ops.pool2d(X2, (6, 1)),
        ["(6, 1)", "larger", "(5, 7)"],
    ),
    "pool, window too wide": (
        lambda: ops.pool2d(X2, (1, 8)),
        ["(1, 8)", "larger", "(5, 7)"],
    ),
    "pool, window of zero": (
        lambda: ops.pool2d(X2, (2, 0)),
        ["pool_size", "at least 1", "(2, 0)"],
    ),
    "pool, negative window": (
        lambda: ops.pool2d(X2, -2),
        ["pool_size", "at least 1", "-2"],
    ),
    "pool, fraction": (
        lambda: ops.pool2d(X2, 2.0),
        ["pool_size", "int", "2.0"],
    ),
    "pool, three sizes": (
        lambda: ops.pool2d(X2, (2, 2, 2)),
        ["pool_size", "pair", "(2, 2, 2)"],
    ),
    "pool, boolean": (
        lambda: ops.pool2d(X2, True),
        ["pool_size", "int", "True"],
    ),
    "pool, mode": (
        lambda: ops.pool2d(X2, 2, "mean"),
        ["mode", '"max" or "avg"', "'mean'"],
    ),
    "pool, average of integers": (
        lambda: ops.pool2d(X2.int(), 2, "avg"),
        ["torch.int32", "X.float()"],
    ),
    "pool, axes": (
        lambda: ops.pool2d(X3, 2),
        ["X", "(h, w)", "(2, 5, 7)"],
    ),
    "pool, boolean image": (
        lambda: ops.pool2d(X2.bool(), 2),
        ["X is torch.bool"],
    ),
    "compose, channels": (
        lambda: ops.compose_kernels(K4, torch.zeros(1, 2, 3, 3)),
        ["(4, 2, 2, 3)", "4 channels", "(1, 2, 3, 3)", "takes 2"],
    ),
    "compose, 2-D and 4-D": (
        lambda: ops.compose_kernels(K2, K4),
        ["K2", "(kh2, kw2)", "(4, 2, 2, 3)"],
    ),
    "compose, 4-D and 2-D": (
        lambda: ops.compose_kernels(K4, K2),
        ["K2", "(o, m, kh2, kw2)", "(2, 3)"],
    ),
    "compose, 3-D": (
        lambda: ops.compose_kernels(K3, K3),
        ["K1", "(m, c, kh1, kw1)", "(2, 2, 3)"],
    ),
    "compose, two dtypes": (
        lambda: ops.compose_kernels(K2, K2.long()),
        ["K1 (2, 3) is torch.float32", "K2 (2, 3) is torch.int64"],
    ),
    "compose, empty": (
        lambda: ops.compose_kernels(K2, torch.zeros(0, 3)),
        ["K2 is empty", "(0, 3)"],
    ),
    "compose, empty first": (
        lambda: ops.compose_kernels(torch.zeros(0, 3), K2),
        ["K1 is empty", "is (0, 3)"],
    ),
    "matrix, kernel too large": (
        lambda: ops.conv_matrix(K2, (5, 2)),
        ["kernel (2, 3)", "larger", "(5, 2)"],
    ),
    "matrix, kernel axes": (
        lambda: ops.conv_matrix(K3, (5, 7)),
        ["K", "(kh, kw)", "(2, 2, 3)"],
    ),
    "matrix, empty kernel": (
        lambda: ops.conv_matrix(torch.zeros(0, 2), (5, 7)),
        ["K is empty", "(0, 2)"],
    ),
    "matrix, three sizes": (
        lambda: ops.conv_matrix(K2, (1, 5, 7)),
        ["input_shape", "pair", "(1, 5, 7)"],
    ),
    "matrix, boolean kernel": (
        lambda: ops.conv_matrix(K2.bool(), (5, 7)),
        ["K is torch.bool"],
    ),
    "mirror, one axis": (
        lambda: ops.mirror_pad(torch.zeros(4), 1),
        ["X", "(..., h, w)", "(4,)"],
    ),
    "mirror, empty": (
        lambda: ops.mirror_pad(torch.zeros(2, 0, 3), 1),
        ["X is empty", "(2, 0, 3)"],
    ),
    "mirror, negative": (
        lambda: ops.mirror_pad(X2, (1, -1)),
        ["pad", "at least 0", "(1, -1)"],
    ),
    "mirror, fraction": (
        lambda: ops.mirror_pad(X2, 1.5),
        ["pad", "int", "1.5"],
    ),
    "mirror, four sides": (
        lambda: ops.mirror_pad(X2, (1, 1, 1, 1)),
        ["pad", "pair", "(1, 1, 1, 1)"],
    ),
    "mirror, mode": (
        lambda: ops.mirror_pad(X2, 1, "circular"),
        ["mode", '"reflect" or "symmetric"', "'circular'"],
    ),
    "mirror, mode without padding": (
        lambda: ops.mirror_pad(X2, 0, "zeros"),
        ["'zeros'"],
    ),
    "counts, shape": (
        lambda: ops.window_counts((3, 0), 1),
        ["shape", "at least 1", "(3, 0)"],
    ),
    "counts, stride": (
        lambda: ops.window_counts((3, 3), 1, stride=0),
        ["stride", "at least 1", "0"],
    ),
    "counts, padding": (
        lambda: ops.window_counts((3, 3), 1, padding=-1),
        ["padding", "at least 0", "-1"],
    ),
    "counts, kernel too large": (
        lambda: ops.window_counts((3, 2), (3, 5), padding=1),
        ["kernel (3, 5)", "larger", "(5, 4)"],
    ),
    "counts, mode": (
        lambda: ops.window_counts((3, 3), 1, mode="zeros"),
        ["mode", '"replicate" or "circular"', "'zeros'"],
    ),
    "mirror, complex": (
        lambda: ops.mirror_pad(X2.cfloat(), 1),
        ["X is torch.complex64"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    call, fragments = BAD[case]
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    missing = [f for f in fragments if f not in message]
    assert not missing, message


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ops.corr2d([[1.0]], K2), "X"),
        (lambda: ops.corr2d(X2, np.zeros((2, 3))), "K"),
        (lambda: ops.corr2d_multi_in(None, K3), "X"),
        (lambda: ops.corr2d_multi_in_out(X3, 1.0), "K"),
        (lambda: ops.corr2d_multi_in_out_1x1(X3, [1.0]), "K"),
        (lambda: ops.pool2d([[1.0]], 1), "X"),
        (lambda: ops.compose_kernels(np.zeros((2, 3)), K2), "K1"),
        (lambda: ops.compose_kernels(K2, np.zeros((2, 3))), "K2"),
        (lambda: ops.conv_matrix([[1.0]], (5, 7)), "K"),
        (lambda: ops.mirror_pad(np.zeros((2, 3)), 1), "X"),
    ],
)
def test_what_is_no_tensor_is_a_type_error(call, name):
    message = re.escape(f"{name} must be a torch.Tensor")
    with pytest.raises(TypeError, match=message):
        call()
