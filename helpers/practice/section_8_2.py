"""Section 8.2: what its exercises ask for, and known wrong answers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from helpers.practice.judging import Mistake, Task, close, random_numbers
from helpers.practice.networks import outputs, same_network

__all__ = ["TASKS"]

Pair = tuple[int, int]


def each_close(found: Any, expected: Any) -> str | None:
    """Compare a table of numbers one by one, each to a percent."""
    complaint = close(found, expected, tolerance=1.0)
    if complaint:  # of another shape or far too large
        return complaint
    for ours, theirs in zip(expected, found, strict=False):
        for right, given in zip(ours, theirs, strict=False):
            complaint = complaint or close(given, right, tolerance=0.01)
    return complaint


def cheaper(
    channels: int, size: int, hidden: int, classes: int
) -> nn.Module:
    """An average over all places, then one dense layer."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, classes),
    )


def published(inputs: int, hidden: int, classes: int) -> nn.Module:
    """Three dense layers with dropout, as VGG has them."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, classes),
    )


def number_of_parameters(network: nn.Module) -> int:
    """All weights and biases."""
    return sum(p.numel() for p in network.parameters())


def saves(
    found: Any, channels: int, size: int, hidden: int, classes: int
) -> str | None:
    """Say why a dense part is none, or saves too little, or None."""
    if not isinstance(found, nn.Module):
        name = type(found).__name__
        return f"it returns a value of type {name}, not an nn.Module"
    X = random_numbers(1, 2, channels, size, size)
    scores = outputs(found, X, training=False)
    if tuple(scores.shape) != (2, classes):
        return (
            f"maps {tuple(X.shape)} must give scores {(2, classes)}, not "
            f"{tuple(scores.shape)}"
        )
    for channel in range(channels):
        other = X.clone()
        other[:, channel] = random_numbers(2, 2, size, size) - 3
        if torch.equal(outputs(found, other, training=False), scores):
            return f"channel {channel} of the maps has no effect"
    before = published(channels * size**2, hidden, classes)
    limit = number_of_parameters(before) // 3
    count = number_of_parameters(found)
    if count > limit:
        return f"it has {count:,} parameters, more than {limit:,}"
    return None


def same_count(found: nn.Module, expected: nn.Module) -> str | None:
    """Compare how many parameters two networks have."""
    counts = [number_of_parameters(net) for net in (found, expected)]
    return None if counts[0] == counts[1] else "other parameters"


def vgg(layers: int, width: int) -> nn.Module:
    """VGG-16 or VGG-19 for colour images of 32 x 32 pixels."""
    convolutions = {16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}[layers]
    parts, before = [], 3
    for number, times in zip(convolutions, [1, 2, 4, 8, 8], strict=True):
        after = times * width
        for _ in range(number):
            parts.append(nn.Conv2d(before, after, 3, padding=1))
            parts.append(nn.ReLU())
            before = after
        parts.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *parts,
        nn.Flatten(),
        nn.Linear(8 * width, 64 * width),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64 * width, 64 * width),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64 * width, 10),
    )


def deeper_dense_part(layers: int, width: int) -> nn.Module:
    """VGG-19 as VGG-16 with three more dense layers."""
    parts = list(vgg(16, width))
    hidden = 64 * width
    for _ in range(layers - 16):
        parts[-1:-1] = [nn.Linear(hidden, hidden), nn.ReLU()]
        parts.insert(-1, nn.Dropout(0.5))
    return nn.Sequential(*parts)


def column_c(layers: int, width: int) -> nn.Module:
    """VGG-16 with one pixel in the last window of blocks 3 to 5."""
    parts = list(vgg(layers, width))
    places = [k for k, m in enumerate(parts) if type(m) is nn.MaxPool2d]
    for place in places[2:] if layers == 16 else []:
        channels = parts[place - 2].out_channels
        parts[place - 2] = nn.Conv2d(channels, channels, 1)
    return nn.Sequential(*parts)


def one_relu(layers: int, width: int) -> nn.Module:
    """VGG with a ReLU in front of each pooling only."""
    parts = list(vgg(layers, width))
    kept = [
        part
        for part, after in zip(parts, [*parts[1:], None], strict=True)
        if (type(part), type(after)) != (nn.ReLU, nn.Conv2d)
    ]
    return nn.Sequential(*kept)


def without_dropout(layers: int, width: int) -> nn.Module:
    """VGG whose dense layers have no dropout."""
    parts = [m for m in vgg(layers, width) if type(m) is not nn.Dropout]
    return nn.Sequential(*parts)


def with_blocks(
    vgg16: list[int], vgg19: list[int]
) -> Callable[[int, int], nn.Module]:
    """VGG with other numbers of convolutions in its blocks."""

    def build(layers: int, width: int) -> nn.Module:
        parts, before = [], 3
        counts = vgg16 if layers == 16 else vgg19
        for number, times in zip(counts, [1, 2, 4, 8, 8], strict=True):
            for _ in range(number):
                parts.append(nn.Conv2d(before, times * width, 3, 1, 1))
                parts.append(nn.ReLU())
                before = times * width
            parts.append(nn.MaxPool2d(2))
        return nn.Sequential(*parts, *published(before, 64 * width, 10))

    return build


def cost(pixels: int, arch: Sequence[Pair]) -> tuple[int, int]:
    """MACs of all convolutions, and the height of the last maps."""
    macs, before = 0, 1
    for convolutions, after in arch:
        for _ in range(convolutions):
            macs += 9 * before * after * pixels * pixels
            before = after
        pixels = pixels // 2
    return macs, pixels


def cost_by(
    pixels: int,
    arch: Sequence[Pair],
    area: Callable[[float], float] = lambda side: side * side,
    halve: Callable[[float], float] = lambda side: side // 2,
) -> tuple[float, float]:
    """The same with another area, or with another way to halve."""
    macs, before = 0, 1
    for convolutions, after in arch:
        for _ in range(convolutions):
            macs += 9 * before * after * area(pixels)
            before = after
        pixels = halve(pixels)
    return macs, pixels


def block_by_block(pixels: int, arch: Sequence[Pair]) -> tuple[int, int]:
    """Every convolution reads as many channels as it returns."""
    macs = 0
    for convolutions, channels in arch:
        macs += 9 * convolutions * channels**2 * pixels**2
        pixels = pixels // 2
    return macs, pixels


def unpadded(pixels: int, arch: Sequence[Pair]) -> tuple[int, int]:
    """Every convolution takes two rows and columns off."""
    macs, before = 0, 1
    for convolutions, after in arch:
        for _ in range(convolutions):
            pixels -= 2
            macs += 9 * before * after * pixels**2
            before = after
        pixels = pixels // 2
    return macs, pixels


def pooled_first(pixels: int, arch: Sequence[Pair]) -> tuple[int, int]:
    """The pooling at the start of each block."""
    left = cost(pixels, arch)[1]
    return cost(pixels // 2, arch)[0], left


def plans() -> list[tuple[int, list[Pair]]]:
    """Sizes of images and architectures, from tiny to VGG-11."""
    vgg11 = [(1, 64), (1, 128), (2, 256), (2, 512), (2, 512)]
    return [
        (2, [(1, 1)]),
        (3, [(1, 2)]),
        (7, [(2, 3), (1, 4)]),
        (28, [(4, 64), (4, 128)]),
        (56, [(2, 32), (3, 64), (3, 128)]),
        (84, [(1, 16), (1, 32), (2, 64), (2, 128), (2, 128)]),
        (224, vgg11),
    ]


alexnet, vgg11 = 46_764_746, 128_806_154  # parameters, grey, ten classes
in_millions = (895.1, 43.0), (7427.7, 119.6)  # MACs

TASKS = {
    "8.2.1a": Task(
        stub="""\
# How many parameters (weights and biases, an exact number) do AlexNet
# (D2L 8.1) and VGG-11 have, for grey images of 224 pixels and ten classes?
parameters = None  # [AlexNet, VGG-11]
""",
        right=(alexnet, vgg11),
        compare=partial(close, tolerance=0.02),
        mistakes=(
            Mistake(
                "these are the numbers for ImageNet, with three colours "
                "and a thousand classes (and 138 million is VGG-16)",
                (61.1e6, 138.4e6),
                "AlexNet has 60 million parameters and VGG 138 million",
            ),
            Mistake(
                "these are the numbers of torchvision's networks for "
                "ImageNet, with three colours and a thousand classes",
                (61.1e6, 132.9e6),
                "AlexNet has 60 million parameters and VGG 138 million",
            ),
            Mistake(
                "these are the numbers for three colours and a thousand "
                "classes",
                (50.8e6, 132.9e6),
                "AlexNet has 60 million parameters and VGG 138 million",
            ),
            Mistake(
                "this is VGG-16; VGG-11 is asked for",
                (alexnet, 134_300_362),
            ),
            Mistake(
                "this AlexNet is torchvision's, which has fewer channels "
                "and a larger dense layer",
                (57_029_322, vgg11),
                "AlexNet has 60 million parameters and VGG 138 million",
            ),
            Mistake(
                "the dense layers of the two have equally many outputs, "
                "but VGG's first one reads 512 x 7 x 7 numbers",
                (alexnet, 52_260_106),
                "the dense layers are the same as in AlexNet",
            ),
            Mistake(
                "these are the numbers for three colours; the images are "
                "grey",
                (alexnet + 2 * 121 * 96, vgg11 + 2 * 9 * 64),
            ),
            Mistake(
                "the biases are missing",
                (alexnet - 9_578, vgg11 - 10_954),
            ),
            Mistake(
                "this is close, but the exact numbers are asked for: it is "
                "rounded, or something small is counted wrongly",
                (46.8e6, 128.8e6),
            ),
        ),
    ),
    "8.2.1b": Task(
        stub="""\
# The work for one grey image of 224 pixels (ten classes): multiply-adds
# (a product and its sum count once) in millions, to within one percent.
# [[AlexNet's convolutions, AlexNet's dense layers],
#  [VGG-11's convolutions, VGG-11's dense layers]]
macs = None
""",
        right=in_millions,
        compare=each_close,
        mistakes=(
            Mistake(
                "these are floating point operations; a multiply-add is "
                "two of them",
                tuple(tuple(2 * n for n in row) for row in in_millions),
            ),
            Mistake(
                "these are single multiply-adds; millions are asked for",
                tuple(tuple(1e6 * n for n in row) for row in in_millions),
            ),
            Mistake(
                "this counts each weight once; a dense layer uses it once, "
                "but a convolution at every place of its output",
                ((3.72, 43.0), (9.22, 119.6)),
                "VGG's dense layers are expensive, so without them it is "
                "fast",
            ),
            Mistake(
                "these are the numbers for three colours and a thousand "
                "classes",
                ((962.9, 47.1), (7485.5, 123.6)),
            ),
            Mistake(
                "these are the numbers of torchvision's networks, for "
                "three colours and a thousand classes",
                ((655.6, 58.6), (7485.5, 123.6)),
            ),
        ),
    ),
    "8.2.1c": Task(
        stub='''\
def dense_part(channels, size, hidden, classes):
    """A cheaper nn.Module in the place of VGG's dense layers, from maps
    (n, channels, size, size) to scores (n, classes). It has at most a
    third of the parameters of the published three layers (of which the
    first two have hidden outputs), and all channels still count."""
''',
        right=cheaper,
        cases=lambda: [(4, 7, 40, 3), (8, 7, 64, 10), (16, 5, 100, 3)],
        compare=same_count,
        accepts=saves,
        mistakes=(
            Mistake(
                "these are as many parameters as the published layers "
                "have; dropout, other activations or another order save "
                "none",
                lambda channels, size, hidden, classes: published(
                    channels * size**2, hidden, classes
                ),
            ),
            Mistake(
                "one hidden layer less saves little: four fifths of the "
                "parameters are in the first layer, which reads every "
                "place of every map",
                lambda channels, size, hidden, classes: nn.Sequential(
                    nn.Flatten(),
                    nn.Linear(channels * size**2, hidden),
                    nn.Linear(hidden, classes),
                ),
            ),
        ),
    ),
    "8.2.2": Task(
        stub="""\
# A summary of VGG-11 prints eight lines with weights, from the image to
# the scores. How many convolutions and dense layers (not activations,
# poolings or dropout) stand behind each line?
layers = None  # a list of eight numbers
""",
        right=[1, 1, 2, 2, 2, 1, 1, 1],
        mistakes=(
            Mistake(
                "this leaves three layers without a line; the dense ones "
                "have lines of their own, so look into the blocks",
                [1] * 8,
                "the three missing layers are the dense ones",
            ),
            Mistake(
                "this puts the three dense layers into one line; each of "
                "them has its own, and a block has one for all its layers",
                [1, 1, 1, 1, 1, 1, 2, 3],
                "the three missing layers are the dense ones",
            ),
            Mistake(
                "these are the blocks of VGG-13; VGG-11 has one "
                "convolution in each of its first two",
                [2, 2, 2, 2, 2, 1, 1, 1],
            ),
            Mistake(
                "ReLU, pooling and dropout have no weights; leave them out",
                [3, 3, 5, 5, 5, 1, 1, 1],
            ),
        ),
    ),
    "8.2.3": Task(
        stub='''\
def vgg(layers, width):
    """VGG-16 (layers = 16, column D of Table 1) or VGG-19 (19, column E)
    as an nn.Module from images (n, 3, 32, 32) to ten scores. In place of
    the paper's 64 channels the first block has width channels, and the
    others as many times more as in the paper. Instead of 4096 outputs
    the hidden dense layers have 64 * width, each with dropout of 0.5."""
''',
        right=vgg,
        cases=lambda: [(16, 1), (19, 1), (16, 2)],
        compare=partial(same_network, shape=(3, 32, 32)),
        mistakes=(
            Mistake(
                "this VGG-19 is VGG-16 with three more dense layers; the "
                "three are convolutions, one each in blocks 3, 4 and 5",
                deeper_dense_part,
                "VGG-19 is VGG-16 with three more dense layers",
            ),
            Mistake(
                "this is column C, whose last convolutions in blocks 3 to "
                "5 look at one pixel only; D has 3 x 3 there",
                column_c,
            ),
            Mistake(
                "no ReLU stands between the convolutions of a block",
                one_relu,
                "two 3 × 3 convolutions are one 5 × 5 convolution",
            ),
            Mistake(
                "the dropout behind the hidden dense layers is missing",
                without_dropout,
            ),
            Mistake(
                "these are the convolutions of VGG-13 (column B) with "
                "others added in the last block; blocks 3, 4 and 5 get "
                "equally many",
                with_blocks([2, 2, 2, 2, 5], [2, 2, 2, 2, 8]),
            ),
            Mistake(
                "VGG-19 has four convolutions in blocks 3, 4 and 5, and "
                "two in the first two blocks as VGG-16",
                with_blocks([2, 2, 3, 3, 3], [3, 3, 3, 3, 4]),
            ),
            Mistake(
                "the number counts dense layers too: VGG-16 has 13 "
                "convolutions and VGG-19 has 16",
                with_blocks([2, 2, 4, 4, 4], [2, 2, 5, 5, 5]),
            ),
        ),
    ),
    "8.2.4": Task(
        stub='''\
def cost(pixels, arch):
    """What a change of the input saves: multiply-adds (a product and its
    sum count once, no biases) of all convolutions of a VGG for one grey
    image of pixels x pixels; and the height of what the last block
    leaves. arch is a list of (convolutions, channels), one per block."""
''',
        right=cost,
        cases=plans,
        mistakes=(
            Mistake(
                "the work grows with height times width, so twice the "
                "pixels in height and in width are four times the work",
                partial(cost_by, area=lambda side: side),
                "eight times larger means eight times the work",
            ),
            Mistake(
                "a pooling drops the last row and column of a map of odd "
                "size; halves are rounded down",
                partial(cost_by, halve=lambda side: side / 2),
            ),
            Mistake(
                "a pooling drops the last row and column of a map of odd "
                "size; halves are rounded down, not up",
                partial(cost_by, halve=lambda side: -(-side // 2)),
            ),
            Mistake(
                "these are floating point operations; a multiply-add is "
                "two of them",
                partial(cost_by, area=lambda side: 2 * side * side),
            ),
            Mistake(
                "the first convolution of a block reads the channels of "
                "the block before it, the very first one a single channel",
                block_by_block,
            ),
            Mistake(
                "the pooling stands at the end of a block, so its "
                "convolutions work on the larger maps",
                pooled_first,
            ),
            Mistake(
                "a padding of one pixel on each side keeps height and "
                "width; only the poolings change them",
                unpadded,
            ),
        ),
    ),
}
