"""The operations of sections 7.2 to 7.5, written out plainly.

Unless said otherwise, everything here is for one image (no batch axis),
stride 1 and no padding. All functions of tensors are differentiable,
keep the device of their input, and keep its dtype, which may be uint8,
int8, int16, int32, int64, float16, bfloat16, float32 or float64. Integers
are exact as long as the result fits the dtype; beyond that they wrap
around without a warning, as in `torch.nn.functional.conv2d` (in uint8,
200 + 100 gives 44). So turn images of bytes into int64 or float32 first.

An argument that should be a tensor and is not raises `TypeError`; any
other bad argument raises `ValueError`, unless a function says otherwise.

Source: Zhang, Lipton, Li, Smola, Dive into Deep Learning 1.0.3,
sections 7.2 to 7.5, https://d2l.ai.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "compose_kernels",
    "conv_matrix",
    "corr2d",
    "corr2d_multi_in",
    "corr2d_multi_in_out",
    "corr2d_multi_in_out_1x1",
    "mirror_pad",
    "pool2d",
    "window_counts",
]

DTYPES = (
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
)


def corr2d(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate an image with a kernel (section 7.2).

    Each entry K[a, b] multiplies the image shifted by (a, b); the output
    is the sum of these shifted images::

        Y[i, j] = sum over a, b of K[a, b] * X[i + a, j + b]

    Args:
        X: image, (h, w).
        K: kernel, (kh, kw), dtype and device as X.

    Returns:
        (h - kh + 1, w - kw + 1).

    Raises:
        ValueError: wrong number of axes, empty tensors, a kernel larger
            than the image, different or unsupported dtypes, different
            devices.
    """
    _check_image_and_kernel(X, K, "(h, w)", "(kh, kw)")
    kh, kw = K.shape
    out_h, out_w = X.shape[0] - kh + 1, X.shape[1] - kw + 1
    Y = X.new_zeros(out_h, out_w)
    for a in range(kh):
        for b in range(kw):
            Y = Y + K[a, b] * X[a : a + out_h, b : b + out_w]
    return Y


def corr2d_multi_in(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate several input channels and add (section 7.4).

    Args:
        X: image, (c, h, w).
        K: kernel, (c, kh, kw), dtype and device as X.

    Returns:
        (h - kh + 1, w - kw + 1).

    Raises:
        ValueError: as `corr2d`; different numbers of channels.
    """
    _check_image_and_kernel(X, K, "(c, h, w)", "(c, kh, kw)")
    return sum(corr2d(x, k) for x, k in zip(X, K, strict=True))


def corr2d_multi_in_out(X: Tensor, K: Tensor) -> Tensor:
    """Cross-correlate with one kernel per output channel (section 7.4).

    Args:
        X: image, (c, h, w).
        K: kernel, (o, c, kh, kw), dtype and device as X.

    Returns:
        (o, h - kh + 1, w - kw + 1).

    Raises:
        ValueError: as `corr2d`; different numbers of channels.
    """
    _check_image_and_kernel(X, K, "(c, h, w)", "(o, c, kh, kw)")
    return torch.stack([corr2d_multi_in(X, k) for k in K])


def corr2d_multi_in_out_1x1(X: Tensor, K: Tensor) -> Tensor:
    """Convolve 1 x 1 as one matrix product over channels (section 7.4).

    At each pixel the output channels are K (o, c) times the input
    channels. On a GPU PyTorch multiplies matrices of floats only.

    Args:
        X: image, (c, h, w).
        K: kernel, (o, c, 1, 1), dtype and device as X.

    Returns:
        (o, h, w).

    Raises:
        ValueError: as `corr2d_multi_in_out`; a kernel that is not 1 x 1.
    """
    _check_image_and_kernel(X, K, "(c, h, w)", "(o, c, 1, 1)")
    c, h, w = X.shape
    o, _, kh, kw = K.shape
    if (kh, kw) != (1, 1):
        raise ValueError(f"K must be (o, c, 1, 1), got {tuple(K.shape)}")
    Y = K.reshape(o, c) @ X.reshape(c, h * w)
    return Y.reshape(o, h, w)


def pool2d(
    X: Tensor, pool_size: int | Sequence[int], mode: str = "max"
) -> Tensor:
    """Pool over every window of an image, stride 1 (section 7.5).

    Where several entries of a window are the largest, the gradient goes
    to the first of them, row by row, as in PyTorch's max-pooling.

    Args:
        X: image, (h, w).
        pool_size: (rows, columns) of the window; an int means a square.
        mode: "max" or "avg" (floating-point images only).

    Returns:
        (h - rows + 1, w - columns + 1).

    Raises:
        ValueError: an image that is empty, not 2-D or of an unsupported
            dtype, a window that is not positive or larger than the
            image, an unknown mode, the average of integers.
    """
    _check_tensor("X", X, "(h, w)")
    rows, columns = _pair("pool_size", pool_size, least=1)
    if rows > X.shape[0] or columns > X.shape[1]:
        raise ValueError(
            f"window {(rows, columns)} is larger than the image "
            f"{tuple(X.shape)}"
        )
    windows = X.unfold(0, rows, 1).unfold(1, columns, 1).flatten(2)
    if mode == "max":
        return windows.max(dim=-1).values
    if mode == "avg":
        if not X.is_floating_point():
            raise ValueError(
                f"the average of {X.dtype} is no integer in general; "
                "convert X first, for example with X.float()"
            )
        return windows.mean(dim=-1)
    raise ValueError(f'mode must be "max" or "avg", got {mode!r}')


def compose_kernels(K1: Tensor, K2: Tensor) -> Tensor:
    """Merge two layers in a row into the kernel of one (exercise 7.4.1).

    Cross-correlating with K1 and then with K2 equals cross-correlating
    once with their true convolution, which is computed here: K1, padded
    with zeros, cross-correlated with K2 turned by 180 degrees, summed
    over the channels m between the layers.

    Args:
        K1: kernel of the first layer, (kh1, kw1) or (m, c, kh1, kw1).
        K2: kernel of the second layer, (kh2, kw2) or (o, m, kh2, kw2),
            dtype and device as K1.

    Returns:
        (kh1 + kh2 - 1, kw1 + kw2 - 1), with (o, c) in front for 4-D.

    Raises:
        ValueError: kernels that are not both 2-D or both 4-D, that are
            empty, whose channels m differ, with different or unsupported
            dtypes, or on different devices.
    """
    flat = isinstance(K1, Tensor) and K1.ndim == 2
    _check_tensor("K1", K1, "(kh1, kw1)" if flat else "(m, c, kh1, kw1)")
    _check_tensor("K2", K2, "(kh2, kw2)" if flat else "(o, m, kh2, kw2)")
    _check_alike("K1", K1, "K2", K2)
    if flat:
        return compose_kernels(K1[None, None], K2[None, None])[0, 0]
    if K1.shape[0] != K2.shape[1]:
        raise ValueError(
            f"K1 {tuple(K1.shape)} gives {K1.shape[0]} channels, but "
            f"K2 {tuple(K2.shape)} takes {K2.shape[1]}"
        )
    kh2, kw2 = K2.shape[2:]
    padded = F.pad(K1, (kw2 - 1, kw2 - 1, kh2 - 1, kh2 - 1))
    turned = K2.flip(2, 3)
    channels = [corr2d_multi_in_out(k, turned) for k in padded.unbind(1)]
    return torch.stack(channels, dim=1)


def conv_matrix(K: Tensor, input_shape: Sequence[int]) -> Tensor:
    """Write cross-correlation with K as a matrix (exercise 7.2.4).

    The row of output pixel (i, j) is an image of zeros that holds K with
    its upper left corner at (i, j), flattened. The rows form a doubly
    blocked Toeplitz matrix C. Up to rounding::

        C @ X.flatten() == corr2d(X, K).flatten()

    Args:
        K: kernel, (kh, kw).
        input_shape: (h, w) of the images.

    Returns:
        ((h - kh + 1) * (w - kw + 1), h * w), dense.

    Raises:
        ValueError: a kernel that is empty, not 2-D, of an unsupported
            dtype or larger than the image; a shape that is not two
            positive ints.
    """
    _check_tensor("K", K, "(kh, kw)")
    h, w = _pair("input_shape", input_shape, least=1)
    kh, kw = K.shape
    _check_fits(K, (h, w))
    rows = [
        F.pad(K, (j, w - kw - j, i, h - kh - i)).flatten()
        for i in range(h - kh + 1)
        for j in range(w - kw + 1)
    ]
    return torch.stack(rows)


def mirror_pad(
    X: Tensor, pad: int | Sequence[int], mode: str = "reflect"
) -> Tensor:
    """Pad the last two axes with mirror images (exercise 7.3.3).

    "reflect" mirrors at the centre of the edge pixel, which is not
    repeated; "symmetric" mirrors at the border, so it is repeated::

        3 2 | 1 2 3 4 | 3 2    reflect
        2 1 | 1 2 3 4 | 4 3    symmetric

    A padding wider than the image goes on mirroring to and fro.
    Reflecting an axis of length 1 repeats its value. All this is as in
    `numpy.pad`.

    Args:
        X: image or images, (..., h, w).
        pad: pixels per side, (rows, columns); an int means both.
        mode: "reflect" or "symmetric".

    Returns:
        (..., h + 2 * rows, w + 2 * columns).

    Raises:
        ValueError: fewer than two axes, an empty tensor, an unsupported
            dtype, a padding that is negative or no int, an unknown mode.
    """
    _check_tensor("X", X, "(..., h, w)")
    rows, columns = _pair("pad", pad, least=0)
    if mode not in ("reflect", "symmetric"):
        raise ValueError(
            f'mode must be "reflect" or "symmetric", got {mode!r}'
        )
    i = _mirrored(X.shape[-2], rows, mode).to(X.device)
    j = _mirrored(X.shape[-1], columns, mode).to(X.device)
    return X[..., i[:, None], j]


def window_counts(
    shape: Sequence[int],
    kernel: int | Sequence[int],
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
    mode: str = "constant",
) -> Tensor:
    """How many times each pixel of an image is used (section 7.3).

    The derivative of the sum of all outputs of a kernel of ones: with
    zeros around the image, the number of windows that contain the pixel;
    other paddings copy pixels, and the uses of the copies count as well.

    Args:
        shape: (h, w) of the image.
        kernel: (rows, columns) of the window; an int means a square.
        padding: pixels per side, (rows, columns); an int means both.
        stride: (rows, columns) from window to window; an int means both.
        mode: the padding, as in `torch.nn.functional.pad`: "constant"
            (zeros), "reflect", "replicate" or "circular".

    Returns:
        (h, w), whole numbers as float32.

    Raises:
        ValueError: sizes that are no positive ints (padding: negative),
            a kernel larger than the padded image, an unknown mode.
        RuntimeError: a padding too wide for its mode, from PyTorch.
    """
    h, w = _pair("shape", shape, least=1)
    kh, kw = _pair("kernel", kernel, least=1)
    rows, columns = _pair("padding", padding, least=0)
    step = _pair("stride", stride, least=1)
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise ValueError(
            'mode must be "constant", "reflect", "replicate" or '
            f'"circular", got {mode!r}'
        )
    ones = torch.ones(1, 1, kh, kw)
    _check_fits(ones[0, 0], (h + 2 * rows, w + 2 * columns))
    image = torch.zeros(1, 1, h, w, requires_grad=True)
    with torch.enable_grad():
        padded = F.pad(image, (columns, columns, rows, rows), mode)
        F.conv2d(padded, ones, stride=step).sum().backward()
    return image.grad[0, 0]


def _mirrored(n: int, pad: int, mode: str) -> Tensor:
    """Index into an axis of length n for each place of the padded axis."""
    places = torch.arange(-pad, n + pad)
    if mode == "symmetric":  # 0 ... n-1 n-1 ... 0, then again
        places = places % (2 * n)
        return torch.minimum(places, 2 * n - 1 - places)
    if n == 1:
        return torch.zeros_like(places)
    places = places % (2 * n - 2)  # 0 ... n-1 ... 1, then again
    return torch.minimum(places, 2 * n - 2 - places)


def _pair(
    name: str, value: int | Sequence[int], least: int
) -> tuple[int, int]:
    """Return value as (rows, columns), both ints of at least `least`."""
    pair = (value, value) if isinstance(value, int) else value
    if (
        not isinstance(pair, tuple | list)
        or len(pair) != 2
        or any(not isinstance(n, int) or n < least for n in pair)
        or any(isinstance(n, bool) for n in pair)
    ):
        raise ValueError(
            f"{name} must be an int or a pair (rows, columns) of ints, "
            f"each at least {least}, got {value!r}"
        )
    return pair[0], pair[1]


def _check_tensor(name: str, T: Tensor, axes: str) -> None:
    """Refuse all but a non-empty tensor of numbers with these axes."""
    if not isinstance(T, Tensor):
        raise TypeError(
            f"{name} must be a torch.Tensor {axes}, got {type(T).__name__}"
        )
    if T.dtype not in DTYPES:
        allowed = ", ".join(str(d).removeprefix("torch.") for d in DTYPES)
        raise ValueError(f"{name} is {T.dtype}; allowed are {allowed}")
    ndim = axes.replace("..., ", "").count(",") + 1
    if T.ndim < ndim or (T.ndim > ndim and "..." not in axes):
        raise ValueError(
            f"{name} must have the shape {axes}, got {tuple(T.shape)}"
        )
    if T.numel() == 0:
        raise ValueError(f"{name} is empty: its shape is {tuple(T.shape)}")


def _check_alike(name1: str, T1: Tensor, name2: str, T2: Tensor) -> None:
    """Refuse two tensors of different dtype or on different devices."""
    if T1.dtype != T2.dtype:
        raise ValueError(
            f"{name1} {tuple(T1.shape)} is {T1.dtype}, but "
            f"{name2} {tuple(T2.shape)} is {T2.dtype}; convert one of them"
        )
    if T1.device != T2.device:
        raise ValueError(
            f"{name1} is on {T1.device}, but {name2} is on {T2.device}"
        )


def _check_fits(K: Tensor, image_shape: Sequence[int]) -> None:
    """Refuse a kernel that is larger than the image."""
    (h, w), (kh, kw) = image_shape[-2:], K.shape[-2:]
    if kh > h or kw > w:
        raise ValueError(
            f"kernel {tuple(K.shape)} is larger than the image "
            f"{tuple(image_shape)}"
        )


def _check_image_and_kernel(
    X: Tensor, K: Tensor, image_axes: str, kernel_axes: str
) -> None:
    """Refuse an image and a kernel that do not go together."""
    _check_tensor("X", X, image_axes)
    _check_tensor("K", K, kernel_axes)
    _check_alike("X", X, "K", K)
    if X.ndim == 3 and X.shape[0] != K.shape[-3]:
        raise ValueError(
            f"X {tuple(X.shape)} has {X.shape[0]} channels, but "
            f"K {tuple(K.shape)} takes {K.shape[-3]}"
        )
    _check_fits(K, X.shape)
