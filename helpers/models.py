"""The networks of the book, built from PyTorch's layers.

In LeNet, AlexNet and the VGGs the size of an image decides how many
numbers reach the first dense layer. As in the book that we follow, that
layer is lazy: it takes its size from the first batch, and draws its
weights then. So seed PyTorch, build the network and run a batch (or
`helpers.training.fit`) before other random numbers are drawn, and the
same seed gives the same network.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022, which puts VGG first, as a constant
    "AlexNet",
    "Bottleneck",
    "InceptionBlock",
    "LeNet",
    "ModernLeNet",
    "PreActBottleneck",
    "PreActResidual",
    "RESNETS",
    "ResNeXtBlock",
    "ResNet",
    "Residual",
    "VGG",
    "VGG_BLOCKS",
    "build",
]

Initialiser = Callable[[Tensor], Tensor]  # fills a weight in place
Pair = tuple[int, int]


class LazyDense(nn.LazyLinear):
    """An `nn.LazyLinear` that is told how to draw its weights.

    After the first batch it is an ordinary `nn.Linear`.
    """

    def __init__(self, out_features: int, initialise: Initialiser):
        """Keep the number of outputs and what fills the weights."""
        super().__init__(out_features)
        self.initialise = initialise

    def initialize_parameters(self, X: Tensor) -> None:
        """Draw weights for inputs like X, unless they were loaded."""
        if self.has_uninitialized_params():
            super().initialize_parameters(X)
            self.initialise(self.weight)


class Network(nn.Module):
    """What all networks share: features, a classifier, and checks.

    From images (n, in_channels, h, w) to scores (n, num_classes),
    without softmax.

    Attributes:
        in_channels: channels of an image.
        smallest: pixels that an image needs in height and in width.
        features: convolutions, activations and pooling.
        classifier: the dense layers, from the flattened features on.
    """

    smallest = 1
    poolings = "all poolings"  # what a smaller image does not survive

    def __init__(self, in_channels: int, num_classes: int):
        """Keep the channels; the layers are up to each network."""
        super().__init__()
        _check_positive(in_channels=in_channels, num_classes=num_classes)
        self.in_channels = in_channels

    def forward(self, X: Tensor) -> Tensor:
        """Return scores (n, num_classes) of images (n, c, h, w).

        Raises:
            ValueError: another shape than (n, in_channels, h, w), an
                image that is too small, or images that give another
                number of features than the first batch, for which a
                dense layer was made. (Another size with as many features
                is not noticed.)
        """
        shape = tuple(X.shape)
        if X.ndim != 4 or shape[1] != self.in_channels:
            raise ValueError(
                f"images must be (n, {self.in_channels}, h, w), got {shape}"
            )
        if min(shape[2:]) < self.smallest:
            raise ValueError(
                f"images {shape} are too small: after {self.poolings} "
                f"nothing would be left; {self.smallest} x {self.smallest} "
                "pixels are the least"
            )
        H = self.features(X)
        found = H.shape[1:].numel()
        expected = self.classifier[1].in_features  # 0 before a batch
        if expected and found != expected:
            raise ValueError(
                f"images {shape} give {found} features, but the "
                f"first dense layer was made for {expected}: all images "
                "must have the size of the first batch"
            )
        return self.classifier(H)


class LeNet(Network):
    """LeNet: two convolutions with pooling, then three dense layers.

    From images (n, in_channels, h, w), at least 12 x 12 pixels, to scores
    (n, num_classes), without softmax. All images must have the size of
    the first batch. With the default arguments it is the network of D2L
    7.6: LeNet-5 (LeCun, Bottou, Bengio, Haffner, Gradient-based learning
    applied to document recognition, 1998) with a plain dense layer in
    place of the Gaussian output.

    The other arguments change one thing at a time:
    ``LeNet(pooling=nn.MaxPool2d)`` changes the pooling and nothing else.
    """

    smallest = 12  # pixels: pooled to 6, convolved to 2, pooled to 1
    poolings = "both poolings"

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 10,
        activation: Callable[[], nn.Module] = nn.Sigmoid,
        pooling: Callable[..., nn.Module] = nn.AvgPool2d,
        initialise: Initialiser = nn.init.xavier_uniform_,
    ):
        """Build the layers; the first dense one waits for a batch.

        Args:
            in_channels: channels of an image.
            num_classes: scores per image.
            activation: makes what follows each layer but the last.
            pooling: is called with the window 2 and ``stride=2``.
            initialise: fills the weights of convolutions and dense
                layers in place; biases are drawn as PyTorch does.

        Raises:
            ValueError: in_channels or num_classes below 1.
        """
        super().__init__(in_channels, num_classes)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=2),
            activation(),
            pooling(2, stride=2),
            nn.Conv2d(6, 16, kernel_size=5),
            activation(),
            pooling(2, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            LazyDense(120, initialise),
            activation(),
            nn.Linear(120, 84),
            activation(),
            nn.Linear(84, num_classes),
        )
        _draw_weights(self, initialise)


class ModernLeNet(LeNet):
    """LeNet with ReLU and max-pooling, as exercise 7.6.1 asks.

    Nothing else differs from `LeNet`: the weights are drawn in the same
    way too. (Weights after He for ReLU: ``LeNet(activation=nn.ReLU,
    pooling=nn.MaxPool2d, initialise=nn.init.kaiming_uniform_)``.)
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        """Build the layers (see `LeNet`)."""
        super().__init__(in_channels, num_classes, nn.ReLU, nn.MaxPool2d)


class AlexNet(Network):
    """AlexNet: five convolutions, then three dense layers with dropout.

    From images (n, in_channels, h, w), at least 65 x 65 pixels, to scores
    (n, num_classes), without softmax. All images must have the size of
    the first batch. It is the network of D2L 8.1: that of Krizhevsky,
    Sutskever, Hinton, ImageNet classification with deep convolutional
    neural networks, 2012, but in one stream instead of two, and without
    its normalisation of local responses. Weights are drawn after Glorot
    (Xavier, uniform), biases as PyTorch does.
    """

    smallest = 65  # pixels: convolved to 15, pooled to 7, to 3 and to 1

    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        """Build the layers; the first dense one waits for a batch.

        Args:
            in_channels: channels of an image.
            num_classes: scores per image.

        Raises:
            ValueError: in_channels or num_classes below 1.
        """
        super().__init__(in_channels, num_classes)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 96, kernel_size=11, stride=4, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(96, 256, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(256, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )
        self.classifier = _dense_with_dropout(4096, num_classes)
        _draw_weights(self, nn.init.xavier_uniform_)


class VGG(Network):
    """VGG: blocks of 3 x 3 convolutions, then three dense layers.

    From images (n, in_channels, h, w), at least 2^b x 2^b pixels for b
    blocks, to scores (n, num_classes), without softmax. All images must
    have the size of the first batch. Each block ends in max-pooling that
    halves height and width; ``features[i]`` is one block. The published
    variants are in `VGG_BLOCKS`.

    Source: Simonyan, Zisserman, Very deep convolutional networks for
    large-scale image recognition, 2014, Table 1; D2L 8.2. Weights are
    drawn after Glorot (Xavier, uniform) as in D2L, biases as PyTorch does.
    """

    def __init__(
        self,
        arch: Sequence[Pair],
        in_channels: int = 1,
        num_classes: int = 10,
        hidden: int = 4096,
    ):
        """Build the layers; the first dense one waits for a batch.

        Args:
            arch: (convolutions, channels) of each block.
            in_channels: channels of an image.
            num_classes: scores per image.
            hidden: outputs of each of the two hidden dense layers.

        Raises:
            ValueError: blocks that are no pairs of positive whole
                numbers, or none; another number below 1.
        """
        super().__init__(in_channels, num_classes)
        _check_positive(hidden=hidden)
        if not _are_pairs(arch):
            raise ValueError(
                "arch must be pairs (convolutions, channels) of positive "
                f"whole numbers, such as ((1, 64), (2, 128)), not {arch!r}"
            )
        self.smallest = 2 ** len(arch)
        self.features = nn.Sequential()
        for convolutions, channels in arch:
            block = nn.Sequential()
            for _ in range(convolutions):
                block.append(nn.Conv2d(in_channels, channels, 3, padding=1))
                block.append(nn.ReLU())
                in_channels = channels
            block.append(nn.MaxPool2d(2, stride=2))
            self.features.append(block)
        self.classifier = _dense_with_dropout(hidden, num_classes)
        _draw_weights(self, nn.init.xavier_uniform_)


class InceptionBlock(nn.Module):
    """The Inception block: four branches, joined along the channels.

    From (n, in_channels, h, w) to (n, c1 + c2[1] + c3[1] + c4, h, w). A
    ReLU follows each convolution. Weights are drawn as PyTorch does.

    Source: Szegedy et al., Going deeper with convolutions, 2014 (the
    network GoogLeNet); D2L 8.4.
    """

    def __init__(
        self, in_channels: int, c1: int, c2: Pair, c3: Pair, c4: int
    ):
        """Build the branches.

        Args:
            in_channels: channels of the input.
            c1: channels of the 1 x 1 convolution.
            c2: channels of a 1 x 1 convolution and of the 3 x 3 after it.
            c3: channels of a 1 x 1 convolution and of the 5 x 5 after it.
            c4: channels of the 1 x 1 convolution after max-pooling.

        Raises:
            ValueError: c2 or c3 that is no pair, a number below 1.
        """
        super().__init__()
        _check_positive(in_channels=in_channels, c1=c1, c4=c4)
        if not _are_pairs([c2, c3]):
            raise ValueError(
                "c2 and c3 must be pairs of positive whole numbers, such "
                f"as (96, 128), not {c2!r} and {c3!r}"
            )

        def conv(before, after, size):
            padding = size // 2  # keeps height and width
            return nn.Sequential(
                nn.Conv2d(before, after, size, padding=padding), nn.ReLU()
            )

        pooling = nn.MaxPool2d(3, stride=1, padding=1)
        self.branches = nn.ModuleList(
            [
                conv(in_channels, c1, 1),
                nn.Sequential(conv(in_channels, c2[0], 1), conv(*c2, 3)),
                nn.Sequential(conv(in_channels, c3[0], 1), conv(*c3, 5)),
                nn.Sequential(pooling, conv(in_channels, c4, 1)),
            ]
        )

    def forward(self, X: Tensor) -> Tensor:
        """Return the channels of all branches, (n, channels, h, w)."""
        return torch.cat([branch(X) for branch in self.branches], dim=1)


class ResidualBlock(nn.Module):
    """A branch plus a shortcut, then ReLU: what three blocks share.

    From (n, in_channels, h, w) to (n, out_channels, h / stride, w /
    stride), rounded up. The shortcut is the input itself where its shape
    fits, else a 1 x 1 convolution with batch normalisation. Convolutions
    before a batch normalisation have no bias, which it would subtract
    again. On its own a block has PyTorch's weights; `ResNet` draws them.

    Attributes:
        expansion: `ResNet` makes out_channels this many times the width.
        branch: the layers beside the shortcut.
        projection: the shortcut's layers, or None.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        branch: nn.Sequential,
    ):
        """Keep the layers of the branch; add a projection if needed.

        Args:
            in_channels: channels of the input.
            out_channels: channels that the branch returns.
            stride: of the branch, and so of the shortcut.
            branch: the layers beside the shortcut.
        """
        super().__init__()
        self.branch = branch
        self.projection = None
        if stride > 1 or in_channels != out_channels:
            self.projection = nn.Sequential(
                *_conv_norm(in_channels, out_channels, 1, stride)
            )
        self.relu = nn.ReLU()

    def forward(self, X: Tensor) -> Tensor:
        """Return the ReLU of the branch plus the shortcut."""
        shortcut = X if self.projection is None else self.projection(X)
        return self.relu(self.branch(X) + shortcut)


class Residual(ResidualBlock):
    """Two 3 x 3 convolutions, the first with the stride.

    Source: He, Zhang, Ren, Sun, Deep residual learning for image
    recognition, 2015; D2L 8.6, whose plain form has biases as well and
    does not normalise the projection.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1
    ):
        """Build the layers.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            stride: of the first convolution; also of the shortcut.

        Raises:
            ValueError: a number below 1.
        """
        branch = _two_convolutions(in_channels, out_channels, stride)
        super().__init__(in_channels, out_channels, stride, branch)


class Bottleneck(ResidualBlock):
    """A 3 x 3 convolution on a quarter of the channels, between two 1 x 1.

    Source: as `Residual`, section 4.1. The stride is in the 3 x 3
    convolution, as in torchvision; in the paper it is in the first 1 x 1,
    which then never looks at three quarters of the places.
    """

    expansion = 4

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1
    ):
        """Build the layers.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            stride: of the 3 x 3 convolution; also of the shortcut.

        Raises:
            ValueError: a number below 1, out_channels not divisible by 4.
        """
        branch = _bottleneck(in_channels, out_channels, stride, 4)
        super().__init__(in_channels, out_channels, stride, branch)


class ResNeXtBlock(ResidualBlock):
    """A bottleneck of half the channels, its 3 x 3 convolution in groups.

    With 256 channels and 32 groups of 4 channels each it is the block of
    ResNeXt-50 (32x4d) in Xie, Girshick, Dollár, Tu, He, Aggregated
    residual transformations for deep neural networks, 2016; D2L 8.6.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        groups: int = 32,
    ):
        """Build the layers.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            stride: of the 3 x 3 convolution; also of the shortcut.
            groups: blocks of channels of the 3 x 3 convolution.

        Raises:
            ValueError: a number below 1, out_channels not divisible by
                2 * groups.
        """
        _check_positive(groups=groups)
        branch = _bottleneck(in_channels, out_channels, stride, 2, groups)
        super().__init__(in_channels, out_channels, stride, branch)


class PreActBlock(nn.Module):
    """Normalisation and ReLU, then a branch plus a plain shortcut.

    Shapes, weights and attributes are those of `ResidualBlock`. Here
    nothing follows the sum, so a block whose last convolution is zero and
    that changes no shape returns its input exactly. A projection is a
    bare 1 x 1 convolution of the normalised, rectified input. The branch
    ends in a convolution without normalisation, and without bias: the
    next normalisation on each path would subtract it again.

    Source: He, Zhang, Ren, Sun, Identity mappings in deep residual
    networks, 2016.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        branch: nn.Sequential,
    ):
        """Keep the branch but its last layer; add a projection if needed.

        Args:
            in_channels: channels of the input.
            out_channels: channels that the branch returns.
            stride: of the branch, and so of the shortcut.
            branch: convolutions, each with a normalisation behind it.
        """
        super().__init__()
        self.activate = nn.Sequential(
            nn.BatchNorm2d(in_channels), nn.ReLU()
        )
        self.branch = branch[:-1]
        self.projection = None
        if stride > 1 or in_channels != out_channels:
            self.projection = _conv(in_channels, out_channels, 1, stride)

    def forward(self, X: Tensor) -> Tensor:
        """Return the branch plus the shortcut."""
        H = self.activate(X)
        shortcut = X if self.projection is None else self.projection(H)
        return self.branch(H) + shortcut


class PreActResidual(PreActBlock):
    """`Residual` with normalisation and ReLU before each convolution."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1
    ):
        """Build the layers.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            stride: of the first convolution; also of the shortcut.

        Raises:
            ValueError: a number below 1.
        """
        branch = _two_convolutions(in_channels, out_channels, stride)
        super().__init__(in_channels, out_channels, stride, branch)


class PreActBottleneck(PreActBlock):
    """`Bottleneck` with normalisation and ReLU before each convolution."""

    expansion = 4

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1
    ):
        """Build the layers.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            stride: of the 3 x 3 convolution; also of the shortcut.

        Raises:
            ValueError: a number below 1, out_channels not divisible by 4.
        """
        branch = _bottleneck(in_channels, out_channels, stride, 4)
        super().__init__(in_channels, out_channels, stride, branch)


class ResNet(Network):
    """ResNet: a stem, stages of residual blocks, an average, one layer.

    From images (n, in_channels, h, w) of any size to scores
    (n, num_classes), without softmax. ``features[0]`` is the stem, which
    halves height and width twice; ``features[i]`` is stage i, and each but
    the first halves them again. Blocks that start with an activation need
    one more after the last of them (their stem is the same, activated
    too). The published variants are in `RESNETS`.

    In training, batch normalisation needs more than one number per
    channel: a batch of one image works from 33 x 33 pixels on (with four
    stages).

    Source: He, Zhang, Ren, Sun, Deep residual learning for image
    recognition, 2015, Table 1; D2L 8.6. The weights of convolutions are
    drawn after He et al., Delving deep into rectifiers, 2015 (normal, fan
    out), as in torchvision; the dense layer's as PyTorch does.
    """

    def __init__(
        self,
        block: type[ResidualBlock] | type[PreActBlock],
        depths: Sequence[int],
        in_channels: int = 1,
        num_classes: int = 10,
        widths: Sequence[int] = (64, 128, 256, 512),
    ):
        """Build the layers.

        Args:
            block: the class of the blocks, such as `Residual`.
            depths: the number of blocks in each stage.
            in_channels: channels of an image.
            num_classes: scores per image.
            widths: the channels in each stage, over ``block.expansion``;
                the stem has widths[0].

        Raises:
            ValueError: depths and widths that are not positive whole
                numbers, equally many; another number below 1; widths
                that the block cannot have.
        """
        super().__init__(in_channels, num_classes)
        if (
            not _positive(depths)
            or not _positive(widths)
            or len(depths) != len(widths)
        ):
            raise ValueError(
                "depths and widths must be positive whole numbers, one of "
                "each for every stage, such as (2, 2) and (64, 128); got "
                f"{depths!r} and {widths!r}"
            )
        channels = widths[0]
        stem = nn.Sequential(
            *_conv_norm(in_channels, channels, 7, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.features = nn.Sequential(stem)
        for depth, width in zip(depths, widths, strict=True):
            stage = nn.Sequential()
            for i in range(depth):
                stride = 2 if i == 0 and len(self.features) > 1 else 1
                out_channels = width * block.expansion
                stage.append(block(channels, out_channels, stride))
                channels = out_channels
            self.features.append(stage)
        if issubclass(block, PreActBlock):
            self.features.append(nn.BatchNorm2d(channels))
            self.features.append(nn.ReLU())
        self.features.append(nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(channels, num_classes)
        )
        he_normal = partial(
            nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"
        )
        _draw_weights(self.features, he_normal)


VGG_BLOCKS = {  # (convolutions, channels) of each block
    "vgg11": ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)),
    "vgg13": ((2, 64), (2, 128), (2, 256), (2, 512), (2, 512)),
    "vgg16": ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    "vgg19": ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}
RESNETS = {  # the block and how many of them each stage has
    "resnet18": (Residual, (2, 2, 2, 2)),
    "resnet34": (Residual, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
    "preact-resnet18": (PreActResidual, (2, 2, 2, 2)),
    "preact-resnet50": (PreActBottleneck, (3, 4, 6, 3)),
    "resnext50": (ResNeXtBlock, (3, 4, 6, 3)),
}
NETWORKS = {
    "lenet": LeNet,
    "modern-lenet": ModernLeNet,
    "alexnet": AlexNet,
    **{name: partial(VGG, arch) for name, arch in VGG_BLOCKS.items()},
    **{name: partial(ResNet, *parts) for name, parts in RESNETS.items()},
}


def build(
    name: str, in_channels: int = 1, num_classes: int = 10
) -> Network:
    """Build a published network by its name.

    Args:
        name: "lenet", "modern-lenet", "alexnet", or one in `VGG_BLOCKS`
            or `RESNETS`.
        in_channels: channels of an image.
        num_classes: scores per image.

    Raises:
        ValueError: an unknown name; a number below 1.
    """
    if name not in NETWORKS:
        raise ValueError(
            f"name must be one of {', '.join(NETWORKS)}; got {name!r}"
        )
    return NETWORKS[name](in_channels=in_channels, num_classes=num_classes)


def _dense_with_dropout(hidden: int, num_classes: int) -> nn.Sequential:
    """Three dense layers, the first lazy, with dropout in between."""
    return nn.Sequential(
        nn.Flatten(),
        LazyDense(hidden, nn.init.xavier_uniform_),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )


def _conv(
    before: int, after: int, size: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """A convolution without bias; with stride 1 it keeps the size."""
    padding = size // 2
    return nn.Conv2d(
        before, after, size, stride, padding, groups=groups, bias=False
    )


def _conv_norm(
    before: int, after: int, size: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution and the batch normalisation of its outputs."""
    conv = _conv(before, after, size, stride, groups)
    return conv, nn.BatchNorm2d(after)


def _two_convolutions(
    before: int, after: int, stride: int
) -> nn.Sequential:
    """The branch of a block with two 3 x 3 convolutions."""
    _check_block(before, after, stride)
    return nn.Sequential(
        *_conv_norm(before, after, 3, stride),
        nn.ReLU(),
        *_conv_norm(after, after, 3),
    )


def _bottleneck(
    before: int, after: int, stride: int, narrower: int, groups: int = 1
) -> nn.Sequential:
    """The branch of a block that is `narrower` times as narrow inside."""
    _check_block(before, after, stride, multiple=narrower * groups)
    inner = after // narrower
    return nn.Sequential(
        *_conv_norm(before, inner, 1),
        nn.ReLU(),
        *_conv_norm(inner, inner, 3, stride, groups),
        nn.ReLU(),
        *_conv_norm(inner, after, 1),
    )


def _draw_weights(network: nn.Module, initialise: Initialiser) -> None:
    """Fill the weights of all layers that have their shape already."""
    for layer in network.modules():
        if type(layer) in (nn.Conv2d, nn.Linear):
            initialise(layer.weight)


def _positive(values: object) -> bool:
    """Whether this is a list or tuple of positive whole numbers."""
    if not isinstance(values, list | tuple) or not values:
        return False
    return all(type(n) is int and n > 0 for n in values)  # True is none


def _are_pairs(values: object) -> bool:
    """Whether this is a list or tuple of pairs of such numbers."""
    if not isinstance(values, list | tuple) or not values:
        return False
    return all(_positive(pair) and len(pair) == 2 for pair in values)


def _check_positive(**numbers: int) -> None:
    """Refuse any of these that is no positive whole number."""
    for name, value in numbers.items():
        if not _positive([value]):
            raise ValueError(
                f"{name} must be a positive whole number, not {value!r}"
            )


def _check_block(
    in_channels: int, out_channels: int, stride: int, multiple: int = 1
) -> None:
    """Refuse sizes that a residual block cannot have."""
    _check_positive(
        in_channels=in_channels, out_channels=out_channels, stride=stride
    )
    if out_channels % multiple:
        above = out_channels + multiple - out_channels % multiple
        raise ValueError(
            f"out_channels must be a multiple of {multiple}, such as "
            f"{above}, not {out_channels}"
        )
