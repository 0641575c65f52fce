"""The networks of the book, built from PyTorch's layers.

The size of an image decides how many numbers reach the first dense layer.
As in the book that we follow, that layer is lazy: it takes its size from
the first batch, and draws its weights then. So seed PyTorch, build the
network and run a batch (or `training.fit`) before other random numbers
are drawn, and the same seed gives the same network.
"""

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["LeNet", "ModernLeNet"]

Initialiser = Callable[[Tensor], Tensor]  # fills a weight in place


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


class LeNet(nn.Module):
    """LeNet: two convolutions with pooling, then three dense layers.

    From images (n, in_channels, h, w), at least 12 x 12 pixels, to scores
    (n, num_classes), without softmax. All images must have the size of
    the first batch. With the default arguments it is the network of D2L
    7.6: LeNet-5 (LeCun, Bottou, Bengio, Haffner, Gradient-based learning
    applied to document recognition, 1998) with a plain dense layer in
    place of the Gaussian output.

    The other arguments change one thing at a time:
    `LeNet(pooling=nn.MaxPool2d)` changes the pooling and nothing else.

    Attributes:
        features: convolutions, activations and pooling.
        classifier: the dense layers, from the flattened features on.
    """

    smallest = 12  # pixels: pooled to 6, convolved to 2, pooled to 1

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
            pooling: is called with the window 2 and `stride=2`.
            initialise: fills the weights of convolutions and dense
                layers in place; biases are drawn as PyTorch does.

        Raises:
            ValueError: in_channels or num_classes below 1.
        """
        super().__init__()
        for name, value in [
            ("in_channels", in_channels),
            ("num_classes", num_classes),
        ]:
            if type(value) is not int or value < 1:  # True is no number
                raise ValueError(
                    f"{name} must be a positive whole number, not {value!r}"
                )
        self.in_channels = in_channels
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
        for layer in [*self.features, *self.classifier]:
            if type(layer) in (nn.Conv2d, nn.Linear):
                initialise(layer.weight)

    def forward(self, X: Tensor) -> Tensor:
        """Return scores (n, num_classes) of images (n, c, h, w).

        Raises:
            ValueError: another shape than (n, in_channels, h, w), an
                image that is too small, or of another size than the
                first batch.
        """
        shape = tuple(X.shape)
        if X.ndim != 4 or shape[1] != self.in_channels:
            raise ValueError(
                f"images must be (n, {self.in_channels}, h, w), got {shape}"
            )
        if min(shape[2:]) < self.smallest:
            raise ValueError(
                f"images {shape} are too small: after both poolings "
                f"nothing would be left; {self.smallest} x {self.smallest} "
                "pixels are the least"
            )
        H = self.features(X)
        expected = self.classifier[1].in_features  # 0 before a batch
        if expected and H[0].numel() != expected:
            raise ValueError(
                f"images {shape} give {H[0].numel()} features, but the "
                f"first dense layer was made for {expected}: all images "
                "must have the size of the first batch"
            )
        return self.classifier(H)


class ModernLeNet(LeNet):
    """LeNet with ReLU and max-pooling, as exercise 7.6.1 asks.

    Nothing else differs from `LeNet`: the weights are drawn in the same
    way too. (Weights after He for ReLU: `LeNet(activation=nn.ReLU,
    pooling=nn.MaxPool2d, initialise=nn.init.kaiming_uniform_)`.)
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        """Build the layers (see `LeNet`)."""
        super().__init__(in_channels, num_classes, nn.ReLU, nn.MaxPool2d)
