"""Section 8.6: what its exercises ask for, and known wrong answers."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from helpers.practice.judging import Mistake, Task
from helpers.practice.networks import same_network, settled, shapes

__all__ = ["TASKS"]

Pair = tuple[int, int]


def weights(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """Weights of an Inception block and of a residual block."""
    inception = before * c1
    inception += before * c2[0] + 9 * c2[0] * c2[1]
    inception += before * c3[0] + 25 * c3[0] * c3[1]
    inception += before * c4
    after = c1 + c2[1] + c3[1] + c4
    residual = 9 * before * after + 9 * after * after + before * after
    return inception, residual


def side_by_side(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """Four convolutions side by side, without reductions."""
    inception = before * (c1 + 9 * c2[1] + 25 * c3[1] + c4)
    return inception, weights(before, c1, c2, c3, c4)[1]


def all_in_each(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """Four branches that give all channels each."""
    after = c1 + c2[1] + c3[1] + c4
    residual = weights(before, c1, c2, c3, c4)[1]
    return before * after * (1 + 9 + 25 + 1), residual


def pooling_free(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """Without the convolution behind the pooling."""
    inception, residual = weights(before, c1, c2, c3, c4)
    return inception - before * c4, residual


def unprojected(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """A residual block without a projection."""
    inception, residual = weights(before, c1, c2, c3, c4)
    return inception, residual - before * (c1 + c2[1] + c3[1] + c4)


def narrow_second(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """The second convolution of the residual block as the first."""
    inception, residual = weights(before, c1, c2, c3, c4)
    after = c1 + c2[1] + c3[1] + c4
    return inception, residual - 9 * after * (after - before)


def with_biases(
    before: int, c1: int, c2: Pair, c3: Pair, c4: int
) -> tuple[int, int]:
    """All biases counted."""
    inception, residual = weights(before, c1, c2, c3, c4)
    after = c1 + c2[1] + c3[1] + c4
    return inception + after + c2[0] + c3[0], residual + 3 * after


class Sum(nn.Module):
    """A branch plus a shortcut, and a layer behind the sum."""

    def __init__(
        self,
        branch: nn.Module,
        last: nn.Module | None = None,
        shortcut: nn.Module | None = None,
    ):
        """Keep the layers; what is not given hands on its input."""
        super().__init__()
        self.branch = branch
        self.last = last or nn.Identity()
        self.shortcut = shortcut or nn.Identity()

    def forward(self, X: Tensor) -> Tensor:
        """Return what is behind the sum."""
        return self.last(self.branch(X) + self.shortcut(X))


def norm_conv(before: int, after: int, size: int, stride: int = 1) -> list:
    """A convolution and its normalisation."""
    return [
        nn.Conv2d(before, after, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(after),
    ]


def two(before: int, after: int, stride: int) -> nn.Sequential:
    """The branch of the plain block."""
    return nn.Sequential(
        *norm_conv(before, after, 3, stride),
        nn.ReLU(),
        *norm_conv(after, after, 3),
    )


def three(
    before: int, inner: int, after: int, strides: Pair
) -> nn.Sequential:
    """The branch of a bottleneck; strides of its first two layers."""
    return nn.Sequential(
        *norm_conv(before, inner, 1, strides[0]),
        nn.ReLU(),
        *norm_conv(inner, inner, 3, strides[1]),
        nn.ReLU(),
        *norm_conv(inner, after, 1),
    )


def block(
    branch: nn.Module, before: int, after: int, stride: int, bare: bool
) -> Sum:
    """A block with a projection if needed, perhaps not normalised."""
    if stride == 1 and before == after:
        return Sum(branch, nn.ReLU())
    layers = norm_conv(before, after, 1, stride)
    return Sum(branch, nn.ReLU(), nn.Sequential(*layers[: 2 - bare]))


def resnet(
    layers: int, width: int, early: bool = False, bare: bool = False
) -> nn.Module:
    """ResNet; early: strides in the 1 x 1; bare: projections."""
    depths = {
        18: [2, 2, 2, 2],
        34: [3, 4, 6, 3],
        50: [3, 4, 6, 3],
        101: [3, 4, 23, 3],
        152: [3, 8, 36, 3],
    }[layers]
    net = nn.Sequential(
        nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    before = width
    for stage, depth in enumerate(depths):
        inner = width * 2**stage
        after = inner if layers < 50 else 4 * inner
        for place in range(depth):
            stride = 2 if stage > 0 and place == 0 else 1
            branch = two(before, after, stride)
            if layers >= 50:
                strides = (stride, 1) if early else (1, stride)
                branch = three(before, inner, after, strides)
            net.append(block(branch, before, after, stride, bare))
            before = after
    net.append(nn.AdaptiveAvgPool2d(1))
    net.append(nn.Flatten())
    net.append(nn.Linear(before, 10))
    return net


def is_resnet(found: Any, layers: int, width: int) -> str | None:
    """Compare a network with all forms of a ResNet that are in use.

    The larger ones have the same code: their weights' shapes are enough.
    """
    if layers not in (18, 50):
        return same_matrices(found, resnet(layers, width))
    first = None
    for bare in (False, True):
        for early in (False, True) if layers == 50 else (False,):
            right = resnet(layers, width, early, bare)
            complaint = same_network(found, right, (3, 40, 48), False)
            if complaint is None:
                return None
            first = first or complaint
    return first


def same_matrices(found: nn.Module, expected: nn.Module) -> str | None:
    """Compare the shapes of all weights but those of normalisations."""
    same = matrices(found) == matrices(expected)
    return None if same else "its layers are not those of the table"


def matrices(net: nn.Module) -> list[torch.Size]:
    """These shapes, sorted."""
    if any(map(nn.parameter.is_lazy, net.parameters())):
        net = settled(net, torch.zeros(1, 3, 32, 32))
    return [shape for shape in shapes(net) if len(shape) > 1]


def other_resnet(
    bottleneck: Callable[[int], Pair] = lambda inner: (inner, 4 * inner),
    depths: Sequence[int] | None = None,
    plain: bool = False,
) -> Callable[[int, int], nn.Module]:
    """A ResNet with other bottlenecks or other numbers of blocks.

    Args:
        bottleneck: channels in the middle and at the end of a block, for
            a stage's width.
        depths: blocks in the stages of ResNet-34 and 50.
        plain: two convolutions in each block, in all networks.
    """

    def build(layers: int, width: int) -> nn.Module:
        if layers < 50 and not (depths and layers == 34):
            return resnet(layers, width)
        net = resnet(18, width)[:4]
        counts = {101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}
        chosen = counts.get(layers, depths or [3, 4, 6, 3])
        before = width
        for stage, depth in enumerate(chosen):
            inner, after = bottleneck(width * 2**stage)
            if plain or layers < 50:
                after = inner
            for place in range(depth):
                stride = 2 if stage and not place else 1
                branch = three(before, inner, after, (1, stride))
                if plain or layers < 50:
                    branch = two(before, after, stride)
                net.append(block(branch, before, after, stride, False))
                before = after
        end = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)
        return nn.Sequential(*net, *end)

    return build


def same_block(found: Any, expected: nn.Module) -> str | None:
    """Compare blocks on maps of 5 x 6 places; biases do not count."""
    kernels = [p for p in expected.parameters() if p.ndim == 4]
    shape = (kernels[0].shape[1], 5, 6)
    return same_network(found, expected, shape, biases=False)


def bottleneck(channels: int) -> nn.Module:
    """A residual block that computes on a quarter of the channels."""
    inner = channels // 4
    branch = nn.Sequential(
        nn.Conv2d(channels, inner, kernel_size=1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, inner, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, channels, kernel_size=1, bias=False),
        nn.BatchNorm2d(channels),
    )
    return Sum(branch, nn.ReLU())


def quarter(channels: int) -> nn.Sequential:
    """The branch of that block."""
    return three(channels, channels // 4, channels, (1, 1))


def preactivated(channels: int) -> nn.Module:
    """Normalisation and ReLU before each of two convolutions."""
    branch = nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
    )
    return Sum(branch)


def ordered(words: str, *last: nn.Module) -> Callable[[int], nn.Module]:
    """A block whose branch has the layers that are named, in order."""

    def build(channels: int) -> nn.Module:
        make = {
            "conv": lambda: nn.Conv2d(channels, channels, 3, 1, 1),
            "norm": lambda: nn.BatchNorm2d(channels),
            "relu": nn.ReLU,
        }
        branch = nn.Sequential(*[make[word]() for word in words.split()])
        return Sum(branch, *last)

    return build


def activated_shortcut(channels: int) -> nn.Module:
    """The shortcut, too, starts behind the first activation."""
    layers = list(preactivated(channels).branch)
    return nn.Sequential(*layers[:2], Sum(nn.Sequential(*layers[2:])))


TASKS = {
    "8.6.1": Task(
        stub='''\
def weights(before, c1, c2, c3, c4):
    """Weights of all convolutions (no biases, no normalisation) of two
    blocks with before input channels: the Inception block whose branches
    return c1, c2[1], c3[1] and c4 channels (D2L 8.4; c2 and c3 are pairs,
    of which the first number belongs to the 1 x 1 convolution), and the
    residual block that returns as many channels in all: two 3 x 3
    convolutions and a projection. Returns (Inception, residual)."""
''',
        right=weights,
        cases=lambda: [
            (1, 1, (1, 1), (1, 1), 1),
            (2, 3, (1, 2), (3, 1), 2),
            (192, 64, (96, 128), (16, 32), 32),
            (256, 128, (128, 192), (32, 96), 64),
        ],
        mistakes=(
            Mistake(
                "the 1 x 1 convolutions in front of the 3 x 3 and of the "
                "5 x 5 are left out; the block has six convolutions",
                side_by_side,
                "an Inception block is four convolutions side by side",
            ),
            Mistake(
                "each branch returns a share of the channels only, and the "
                "large windows read few; four full branches would cost "
                "this much",
                all_in_each,
                "Inception has several paths, so it is the expensive block",
            ),
            Mistake(
                "a 1 x 1 convolution follows the pooling in the fourth "
                "branch",
                pooling_free,
            ),
            Mistake(
                "the projection is missing: the shortcut needs a 1 x 1 "
                "convolution where the number of channels changes",
                unprojected,
                "shortcuts cost nothing",
            ),
            Mistake(
                "the second 3 x 3 convolution of the residual block reads "
                "what the first one returns",
                narrow_second,
            ),
            Mistake(
                "this counts biases too; only the weights are asked for",
                with_biases,
            ),
        ),
    ),
    "8.6.2": Task(
        stub='''\
def resnet(layers, width):
    """ResNet with 18, 34, 50, 101 or 152 layers (Table 1 of the paper) as
    an nn.Module from images (n, 3, h, w) of any size to ten scores. The
    stem and the first stage have width in place of 64 channels, all else
    in proportion. Whether the stride of a bottleneck is in its first or
    in its 3 x 3 convolution, both are right."""
''',
        right=resnet,
        cases=lambda: [(18, 4), (50, 4), (34, 4), (101, 4), (152, 4)],
        compare=same_matrices,
        accepts=is_resnet,
        mistakes=(
            Mistake(
                "these bottlenecks do not end with four times the width of "
                "their stage",
                other_resnet(lambda inner: (inner // 4, inner)),
                "put bottlenecks into the code of ResNet-18",
            ),
            Mistake(
                "these bottlenecks do not end with four times the width of "
                "their stage",
                other_resnet(lambda inner: (inner, inner)),
                "put bottlenecks into the code of ResNet-18",
            ),
            Mistake(
                "these bottlenecks are not narrow: their 3 x 3 convolution "
                "has the width of the stage, a quarter of what they return",
                other_resnet(lambda inner: (4 * inner, 4 * inner)),
            ),
            Mistake(
                "from 50 layers on the blocks are bottlenecks",
                other_resnet(plain=True),
            ),
            Mistake(
                "four blocks in each stage give the right number of "
                "layers, but the paper has 3, 4, 6 and 3",
                other_resnet(depths=[4, 4, 4, 4]),
            ),
        ),
    ),
    "8.6.3": Task(
        stub='''\
def bottleneck(channels):
    """The bottleneck block as an nn.Module, from (n, channels, h, w) to
    the same shape (stride 1, channels divisible by 4), with a batch
    normalisation behind each convolution as in the paper."""
''',
        right=bottleneck,
        cases=lambda: [(4,), (8,), (16,)],
        compare=same_block,
        mistakes=(
            Mistake(
                "the input is not added: this is the branch alone",
                lambda channels: nn.Sequential(
                    quarter(channels), nn.ReLU()
                ),
            ),
            Mistake(
                "the input is not added: this is the branch alone",
                quarter,
            ),
            Mistake(
                "no ReLU follows the sum",
                lambda channels: Sum(quarter(channels)),
            ),
            Mistake(
                "the last ReLU stands in front of the sum; it belongs "
                "behind it",
                lambda channels: Sum(
                    nn.Sequential(quarter(channels), nn.ReLU())
                ),
            ),
            Mistake(
                "a ReLU stands in front of the sum as well, so that the "
                "branch can only add",
                lambda channels: Sum(
                    nn.Sequential(quarter(channels), nn.ReLU()), nn.ReLU()
                ),
            ),
            Mistake(
                "nothing is narrow here: the 3 x 3 convolution works on "
                "all channels instead of a quarter",
                lambda channels: Sum(
                    three(channels, channels, channels, (1, 1)), nn.ReLU()
                ),
            ),
            Mistake(
                "the 3 x 3 convolution works on half of the channels; in "
                "the paper it is a quarter",
                lambda channels: Sum(
                    three(channels, channels // 2, channels, (1, 1)),
                    nn.ReLU(),
                ),
            ),
            Mistake(
                "this block is wide in the middle; a bottleneck is narrow "
                "there",
                lambda channels: Sum(
                    three(channels, 4 * channels, channels, (1, 1)),
                    nn.ReLU(),
                ),
            ),
            Mistake(
                "no ReLU stands between the convolutions",
                lambda channels: Sum(
                    nn.Sequential(
                        *[
                            layer
                            for layer in quarter(channels)
                            if not isinstance(layer, nn.ReLU)
                        ]
                    ),
                    nn.ReLU(),
                ),
            ),
            Mistake(
                "this is the plain block with two 3 x 3 convolutions",
                lambda channels: Sum(two(channels, channels, 1), nn.ReLU()),
            ),
        ),
    ),
    "8.6.4": Task(
        stub='''\
def preactivated(channels):
    """The residual block with two 3 x 3 convolutions in the new order, as
    an nn.Module from (n, channels, h, w) to the same shape (stride 1)."""
''',
        right=preactivated,
        cases=lambda: [(1,), (2,), (5,)],
        compare=same_block,
        mistakes=(
            Mistake(
                "nothing stands between the two convolutions but a "
                "normalisation, and a ReLU follows the sum",
                ordered("conv norm conv", nn.ReLU()),
                "move the first normalisation, and the block is "
                "pre-activated",
            ),
            Mistake(
                "nothing stands between the two convolutions but a "
                "normalisation, so the second one bends nothing",
                ordered("conv norm conv"),
                "move the first normalisation, and the block is "
                "pre-activated",
            ),
            Mistake(
                "only the first convolution has its activation in front",
                ordered("norm relu conv norm conv"),
                "move the first normalisation, and the block is "
                "pre-activated",
            ),
            Mistake(
                "only the first convolution has its activation in front, "
                "and a ReLU follows the sum",
                ordered("norm relu conv norm conv", nn.ReLU()),
                "move the first normalisation, and the block is "
                "pre-activated",
            ),
            Mistake(
                "a ReLU follows the sum and cuts off what is negative on "
                "the shortcut",
                ordered("norm relu conv norm relu conv", nn.ReLU()),
                "keep the ReLU after the sum, it does no harm",
            ),
            Mistake(
                "this is the old order",
                ordered("conv norm relu conv norm", nn.ReLU()),
            ),
            Mistake(
                "this is the old order without the ReLU behind the sum",
                ordered("conv norm relu conv norm"),
            ),
            Mistake(
                "normalisation comes before the ReLU, not behind it",
                ordered("relu norm conv relu norm conv"),
            ),
            Mistake(
                "the shortcut must hand on the input itself, not the "
                "normalised and rectified one",
                activated_shortcut,
            ),
            Mistake(
                "the input is not added",
                lambda channels: preactivated(channels).branch,
            ),
        ),
    ),
}
