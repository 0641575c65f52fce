"""What a model consists of, what it costs and what it sees.

One MAC is one multiplication with its addition. MACs are counted by
PyTorch's own FLOP counter (two FLOPs are one MAC), which counts
convolutions and matrix products, and neither biases, normalisation,
activations nor pooling.

Every function runs the model in evaluation mode and without gradients,
and puts each module's mode back afterwards, also after an error. So
running statistics, gradients and the random numbers that follow stay as
they were. Only lazy modules change: their first pass fixes their shapes
and draws their weights, here as anywhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = [
    "Layer",
    "ReceptiveField",
    "activations",
    "evaluation",
    "layers",
    "macs",
    "measured_receptive_field",
    "parameters",
    "receptive_field",
    "table",
]

# In evaluation mode each output pixel depends on one input pixel.
POINTWISE = (
    nn.Identity,
    nn.BatchNorm2d,
    nn.LazyBatchNorm2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Softplus,
    nn.Sigmoid,
    nn.Tanh,
)


@dataclass(frozen=True)
class Layer:
    """One call of a layer in a forward pass.

    Attributes:
        name: the layer's name in ``model.named_modules()``.
        kind: the name of its class.
        output_shape: shape of what it returned, with the batch axis.
        parameters: numbers in its parameters; tensors that an earlier
            row has counted are left out.
        macs: multiply-adds of this call, for the whole batch.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class ReceptiveField:
    """What one output pixel sees, in input pixels.

    Attributes:
        size: (rows, columns) of the smallest rectangle of the padded
            input that holds all that it depends on.
        stride: (rows, columns) by which the rectangle moves from one
            output pixel to the next.
    """

    size: tuple[int, int]
    stride: tuple[int, int]


def layers(
    model: nn.Module,
    input_shape: Sequence[int],
    dtype: torch.dtype | None = None,
) -> list[Layer]:
    """List the layers of a model in the order of its forward pass.

    A layer is a module without children. One that is called twice has
    two rows, the second without parameters. If the model computes MACs
    or has parameters outside the layers that it calls, a last row named
    "(other)" holds them. So the columns add up to ``parameters(model)``
    and to the FLOP counter's total / 2.

    The pass runs on zeros on the model's device; on the device "meta" it
    costs nothing.

    Args:
        model: any module that takes one tensor.
        input_shape: with the batch axis, for example (1, 1, 28, 28).
        dtype: of the input; by default that of the first parameter.

    Raises:
        ValueError: an input shape that is not of positive ints; a layer
            that does not return one tensor.
        RuntimeError: PyTorch's own, if the model refuses the shape.
    """
    rows = []
    counted = set()  # ids of parameters
    flops_before = {}
    counter = FlopCounterMode(display=False)

    def start(name, module, args):
        flops_before[name] = counter.get_total_flops()

    def finish(name, module, args, output):
        _check_one_tensor(name, module, output)
        flops = counter.get_total_flops() - flops_before[name]
        own = [p for p in module.parameters() if id(p) not in counted]
        counted.update(id(p) for p in own)
        rows.append(
            Layer(
                name=name,
                kind=type(module).__name__,
                output_shape=tuple(output.shape),
                parameters=sum(p.numel() for p in own),
                macs=flops // 2,
            )
        )

    X = _zeros(model, input_shape, dtype)
    with ExitStack() as stack:
        stack.enter_context(evaluation(model))
        for name, module in _leaves(model).items():
            for handle in (
                module.register_forward_pre_hook(partial(start, name)),
                module.register_forward_hook(partial(finish, name)),
            ):
                stack.enter_context(handle)
        with counter:
            model(X)
    other_parameters = parameters(model) - sum(r.parameters for r in rows)
    other_macs = counter.get_total_flops() // 2 - sum(r.macs for r in rows)
    if other_parameters or other_macs:
        rows.append(Layer("(other)", "", (), other_parameters, other_macs))
    return rows


def table(layers: Sequence[Layer]) -> str:
    """Format layers as a text table with a line of totals, to print.

    Shapes are written 1×6×28×28; parameters and MACs are whole numbers.
    """
    total_parameters = sum(layer.parameters for layer in layers)
    total_macs = sum(layer.macs for layer in layers)
    lines = [("layer", "kind", "output", "parameters", "MACs")]
    for layer in layers:
        shape = "×".join(str(n) for n in layer.output_shape)
        counts = f"{layer.parameters:,}", f"{layer.macs:,}"
        lines.append((layer.name, layer.kind, shape, *counts))
    lines.append(
        ("total", "", "", f"{total_parameters:,}", f"{total_macs:,}")
    )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    row = "  ".join(
        f"{{:{side}{width}}}"
        for side, width in zip("<<<>>", widths, strict=True)
    )
    text = [row.format(*line) for line in lines]
    rule = "-" * len(text[0])
    return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def macs(
    model: nn.Module,
    input_shape: Sequence[int],
    dtype: torch.dtype | None = None,
) -> int:
    """Count the multiply-adds of one forward pass (see `layers`).

    They are those of the whole batch: with input_shape (1, ...), those
    of one image.

    Raises:
        ValueError, RuntimeError: as `layers`.
    """
    return sum(row.macs for row in layers(model, input_shape, dtype))


def parameters(model: nn.Module) -> int:
    """Count the numbers in a model's parameters, shared tensors once.

    Raises:
        ValueError: PyTorch's own, if a lazy module has no shape yet.
    """
    return sum(p.numel() for p in model.parameters())


def activations(
    model: nn.Module, X: Tensor, names: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Collect what modules return when the model runs on X.

    The tensors are copies, so that a later in-place layer cannot change
    them. Of a module called several times the last output is kept.

    Args:
        model: any module that takes one tensor.
        X: a batch on the model's device.
        names: modules, named as in ``model.named_modules()``; by default
            all that have no children.

    Returns:
        Outputs by name, in the order of the forward pass.

    Raises:
        ValueError: a name that the model does not have or does not call;
            a module that does not return one tensor.
    """
    if names is None:
        modules = _leaves(model)
    else:
        known = dict(model.named_modules())
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(
                f"no modules named {unknown}; there are {list(known)}"
            )
        modules = {name: known[name] for name in names}
    outputs = {}

    def keep(name, module, args, output):
        _check_one_tensor(name, module, output)
        outputs[name] = output.clone()

    with ExitStack() as stack:
        stack.enter_context(evaluation(model))
        for name, module in modules.items():
            handle = module.register_forward_hook(partial(keep, name))
            stack.enter_context(handle)
        model(X.clone())
    missed = [name for name in names or () if name not in outputs]
    if missed:
        raise ValueError(f"the model does not call {missed}")
    return outputs


def receptive_field(model: nn.Module) -> ReceptiveField:
    """Compute the receptive field of a chain of layers.

    The chain is a layer or a (nested) `nn.Sequential` of convolutions,
    max- and average pooling and pointwise layers. From the input on, a
    layer with kernel k, dilation d and stride s adds (k - 1) * d times
    the stride so far, and multiplies that stride by s.

    Source: Araujo, Norris, Sim, Computing Receptive Fields of
    Convolutional Neural Networks, Distill 2019,
    https://distill.pub/2019/computing-receptive-fields.

    Raises:
        ValueError: any other layer, which the message names.
    """
    size, stride = [1, 1], [1, 1]
    for name, layer in model.named_modules(remove_duplicate=False):
        if isinstance(layer, (nn.Sequential, *POINTWISE)):
            continue
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            raise ValueError(
                f"cannot follow {name!r} ({type(layer).__name__}): only "
                "Conv2d, MaxPool2d, AvgPool2d and pointwise layers in "
                "nn.Sequential have a receptive field that adds up"
            )
        for axis in (0, 1):
            k = _along(axis, layer.kernel_size)
            d = _along(axis, getattr(layer, "dilation", 1))
            size[axis] += (k - 1) * d * stride[axis]
            stride[axis] *= _along(axis, layer.stride)
    return ReceptiveField(tuple(size), tuple(stride))


def measured_receptive_field(
    model: nn.Module, input_shape: Sequence[int]
) -> tuple[int, int]:
    """Measure how large a region the central output pixel depends on.

    Not-a-number is contagious: what is computed from it is not a number
    either. So one row of an image of zeros after the other is filled
    with it, then one column after the other, and each time the model
    runs and the central output pixel is looked at. Unlike a gradient,
    this also passes weights of zero, a ReLU that is off and values that
    are not the largest of their window. It works for any model of
    convolutions, not just for chains, and costs h + w passes.

    The region ends at the image's border, so choose an input larger than
    the region that you expect. Libraries that convolve by Fourier or
    Winograd transforms, as on some GPUs, spread not-a-number further; on
    the CPU PyTorch convolves directly.

    Args:
        model: any module from (n, c, h, w) to four axes.
        input_shape: (n, c, h, w); n = 1 is enough.

    Returns:
        (rows, columns) in input pixels, from the first to the last that
        matters; (0, 0) if none does.

    Raises:
        ValueError: an input shape that is not four positive ints, an
            output that has not four axes.
        RuntimeError: PyTorch's own, if the model refuses the shape.
    """
    X = _zeros(model, input_shape)
    if X.ndim != 4:
        raise ValueError(
            f"input_shape must be (n, c, h, w), got {tuple(input_shape)}"
        )
    extents = []
    with evaluation(model):
        for axis in (2, 3):
            reached = []
            for place in range(X.shape[axis]):
                spoilt = X.clone()
                spoilt.select(axis, place).fill_(torch.nan)
                Y = model(spoilt)
                if Y.ndim != 4:
                    raise ValueError(
                        f"the model's output {tuple(Y.shape)} has no "
                        "central pixel: four axes are needed"
                    )
                centre = Y[:, :, Y.shape[2] // 2, Y.shape[3] // 2]
                if centre.isnan().any():
                    reached.append(place)
            extents.append(reached[-1] - reached[0] + 1 if reached else 0)
    return extents[0], extents[1]


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode without gradients; restore all modes."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _leaves(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules without children by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if not list(module.children())
    }


def _zeros(
    model: nn.Module,
    input_shape: Sequence[int],
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Return an input of zeros, by default as the first parameter."""
    if (
        not isinstance(input_shape, Sequence)
        or not input_shape
        or any(type(n) is not int or n < 1 for n in input_shape)
    ):
        raise ValueError(
            "input_shape must hold positive ints, for example "
            f"(1, 1, 28, 28), got {input_shape!r}"
        )
    first = next(model.parameters(), torch.empty(0))
    return torch.zeros(
        tuple(input_shape), dtype=dtype or first.dtype, device=first.device
    )


def _along(axis: int, value: int | Sequence[int]) -> int:
    """Return a layer's setting for rows (0) or columns (1)."""
    return value if isinstance(value, int) else value[axis]


def _check_one_tensor(name: str, module: nn.Module, output: object) -> None:
    """Refuse a module that returns anything but one tensor."""
    if not isinstance(output, Tensor):
        raise ValueError(
            f"{name!r} ({type(module).__name__}) returns "
            f"{type(output).__name__}, not one tensor"
        )
