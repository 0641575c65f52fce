"""Compare a reader's network with the right one.

Two networks count as the same if their weights have the same shapes and
if, with the same numbers in them, both give the same outputs. What the
layers are called, in which order they were defined and whether they are
lazy does not matter.
"""

import copy
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from helpers.practice.judging import close, random_numbers

__all__ = ["outputs", "same_network", "settled", "shapes"]


def same_network(
    found: Any,
    expected: nn.Module,
    shape: Sequence[int],
    biases: bool = True,
) -> str | None:
    """Compare two networks by their weights and by what they compute.

    All weights of one shape get the same numbers, in copies of both
    networks. So the order in which layers were defined does not matter,
    and the outputs must agree, in evaluation and in training.

    Args:
        found: a reader's network.
        expected: the right one.
        shape: of one input, without the batch.
        biases: whether the biases of convolutions and dense layers count;
            in front of a batch normalisation they do nothing.

    Returns:
        None if they agree, else what differs.
    """
    if not isinstance(found, nn.Module):
        name = type(found).__name__
        return f"it returns a value of type {name}, not an nn.Module"
    X = random_numbers(0, 3, *shape)
    expected = settled(expected, X)
    right = outputs(expected, X, training=False)
    try:
        found = settled(found, X)
        first = outputs(found, X, training=False)
    except Exception as error:
        line = (str(error).splitlines() or [""])[0]
        kind = type(error).__name__
        return f"for inputs {tuple(X.shape)} it raises {kind} ({line})"
    if not isinstance(first, Tensor) or first.shape != right.shape:
        given = getattr(first, "shape", type(first).__name__)
        given = tuple(given) if isinstance(given, torch.Size) else given
        return (
            f"inputs {tuple(X.shape)} must give outputs of the shape "
            f"{tuple(right.shape)}, not {given}"
        )
    theirs, ours = shapes(found, biases), shapes(expected, biases)
    if theirs != ours:
        counts = [sum(size.numel() for size in s) for s in (theirs, ours)]
        if counts[0] == counts[1]:
            return "its layers have weights of other shapes"
        kind = "parameters" if biases else "parameters without biases"
        return f"it has {counts[0]:,} {kind}, right is {counts[1]:,}"
    fill(found, biases)
    fill(expected, biases)
    for mode, training in (("evaluation", False), ("training", True)):
        complaint = close(
            outputs(found, X, training), outputs(expected, X, training)
        )
        if complaint:
            return f"with the same weights, in {mode} mode, {complaint}"
    return None


def outputs(network: nn.Module, X: Tensor, training: bool) -> Tensor:
    """What a network returns; dropout draws the same numbers each time.

    PyTorch's own random numbers go on as if none had been drawn.

    Args:
        network: is left in the mode that was asked for.
        X: a batch of inputs, of which the network gets a copy.
        training: whether the network runs as in training.
    """
    network.train(training)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network(X.clone())


def settled(network: nn.Module, X: Tensor) -> nn.Module:
    """A copy in float32 on the CPU, without lazy layers.

    Args:
        network: its lazy layers, if any, take their sizes from X.
        X: a batch of inputs.
    """
    if any(map(nn.parameter.is_lazy, network.parameters())):
        some = next(network.parameters())
        outputs(network, X.to(some.device, some.dtype), training=False)
    return copy.deepcopy(network).cpu().float()


def shapes(network: nn.Module, biases: bool = True) -> list[torch.Size]:
    """Shapes of all parameters, sorted.

    Args:
        network: without lazy layers (see `settled`).
        biases: whether what is called "bias" counts, also that of a
            normalisation.
    """
    found = []
    for layer in network.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            if biases or name != "bias":
                found.append(parameter.shape)
    return sorted(found)


@torch.no_grad()
def fill(network: nn.Module, biases: bool) -> None:
    """Give all weights of a shape the same numbers, whatever the order.

    Args:
        network: is changed.
        biases: without them those of all layers but normalisations are
            zero.
    """
    seeds = {"weight": 1, "bias": 2, "running_mean": 3, "running_var": 4}
    for layer in network.modules():
        named = chain(
            layer.named_parameters(recurse=False),
            layer.named_buffers(recurse=False),
        )
        for name, tensor in named:
            if not tensor.is_floating_point():
                continue
            numbers = random_numbers(seeds.get(name, 0), *tensor.shape)
            if tensor.ndim > 1:
                numbers *= (2 / tensor[0].numel()) ** 0.5
            elif name == "running_var":
                numbers = 1 + numbers**2
            elif name == "weight":  # of a normalisation
                numbers = 1 + numbers / 3
            elif not biases and not hasattr(layer, "running_mean"):
                numbers.zero_()
            tensor.copy_(numbers)
