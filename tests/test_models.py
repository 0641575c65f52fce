"""Networks: layers, weights, seeds and the shapes that they refuse."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from helpers import models, summary

SIGMOID_LAYERS = [
    ("Conv2d", (2, 6, 28, 28), 156, 235_200),
    ("Sigmoid", (2, 6, 28, 28), 0, 0),
    ("AvgPool2d", (2, 6, 14, 14), 0, 0),
    ("Conv2d", (2, 16, 10, 10), 2_416, 480_000),
    ("Sigmoid", (2, 16, 10, 10), 0, 0),
    ("AvgPool2d", (2, 16, 5, 5), 0, 0),
    ("Flatten", (2, 400), 0, 0),
    ("Linear", (2, 120), 48_120, 96_000),
    ("Sigmoid", (2, 120), 0, 0),
    ("Linear", (2, 84), 10_164, 20_160),
    ("Sigmoid", (2, 84), 0, 0),
    ("Linear", (2, 10), 850, 1_680),
]
MODERN = {"Sigmoid": "ReLU", "AvgPool2d": "MaxPool2d"}
MODERN_LAYERS = [
    (MODERN.get(kind, kind), *rest) for kind, *rest in SIGMOID_LAYERS
]


def built(make, *args, seed=0, size=28, **kwargs) -> nn.Module:
    """Return a seeded network that has seen a batch."""
    torch.manual_seed(seed)
    net = make(*args, **kwargs)
    net(torch.zeros(1, net.in_channels, size, size))
    return net


def weights(net: nn.Module) -> list[torch.Tensor]:
    return list(net.state_dict().values())


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(weights(first), weights(second), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def weighty(net: nn.Module) -> list[nn.Module]:
    kinds = (nn.Conv2d, nn.Linear)
    return [layer for layer in net.modules() if isinstance(layer, kinds)]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (models.LeNet, SIGMOID_LAYERS),
        (models.ModernLeNet, MODERN_LAYERS),
    ],
)
def test_layers(make, expected):
    rows = summary.layers(built(make), (2, 1, 28, 28))
    found = [(r.kind, r.output_shape, r.parameters, r.macs) for r in rows]
    assert found == expected


def test_layers_on_the_device_meta_cost_nothing():
    with torch.device("meta"):
        net = models.LeNet()
    rows = summary.layers(net, (2, 1, 28, 28))
    assert [row.output_shape for row in rows] == [
        row[1] for row in SIGMOID_LAYERS
    ]


@pytest.mark.parametrize(
    ("make", "activation", "pool"),
    [
        (models.LeNet, torch.sigmoid, F.avg_pool2d),
        (models.ModernLeNet, torch.relu, F.max_pool2d),
    ],
)
def test_the_network_computes_what_the_section_describes(
    make, activation, pool
):
    net = built(make)
    W = weights(net)
    X = torch.rand(3, 1, 28, 28)
    H = pool(activation(F.conv2d(X, W[0], W[1], padding=2)), 2)
    H = pool(activation(F.conv2d(H, W[2], W[3])), 2).flatten(1)
    H = activation(F.linear(H, W[4], W[5]))
    H = activation(F.linear(H, W[6], W[7]))
    assert torch.allclose(net(X), F.linear(H, W[8], W[9]), atol=1e-6)


# Weights


@pytest.mark.parametrize("make", [models.LeNet, models.ModernLeNet])
def test_weights_are_drawn_after_xavier(make):
    layers = weighty(built(make))
    assert len(layers) == 5
    for layer in layers:
        field = layer.weight[0, 0].numel()
        fans = (layer.weight.shape[0] + layer.weight.shape[1]) * field
        bound = (6 / fans) ** 0.5
        assert 0.93 * bound < layer.weight.abs().max() <= bound
        spread = layer.weight.std() / (bound / 3**0.5)
        assert 0.9 < spread < 1.1, layer


def test_another_initialiser_reaches_every_weight_and_no_bias():
    net = built(models.LeNet, initialise=nn.init.ones_)
    for layer in weighty(net):
        assert (layer.weight == 1).all()
        assert layer.bias.std() > 0


def test_biases_are_drawn_as_pytorch_does():
    for layer in weighty(built(models.LeNet)):
        bound = layer.weight[0].numel() ** -0.5
        assert 0 < layer.bias.abs().max() <= bound


@pytest.mark.parametrize("make", [models.LeNet, models.ModernLeNet])
def test_a_seed_fixes_all_weights(make):
    assert same(built(make, seed=1), built(make, seed=1))
    pairs = zip(
        weights(built(make, seed=1)),
        weights(built(make, seed=2)),
        strict=True,
    )
    for a, b in pairs:
        assert not torch.equal(a, b)


def test_the_first_batch_changes_no_weight_but_by_its_size():
    torch.manual_seed(0)
    net = models.LeNet()
    net(torch.rand(5, 1, 28, 28, generator=torch.Generator()))
    assert same(net, built(models.LeNet))


@pytest.mark.parametrize(
    "change",
    [
        {"activation": nn.ReLU},
        {"pooling": nn.MaxPool2d},
        {"activation": nn.ReLU, "pooling": nn.MaxPool2d},
    ],
)
def test_activation_and_pooling_change_nothing_else(change):
    plain, changed = built(models.LeNet), built(models.LeNet, **change)
    assert same(plain, changed)
    asked = {kind.__name__ for kind in change.values()}
    new = {type(m).__name__ for m in changed.modules()}
    old = {type(m).__name__ for m in plain.modules()}
    assert new - old == asked
    assert len(old - new) == len(change)


def test_modern_lenet_is_lenet_with_both_changes():
    both = built(models.LeNet, activation=nn.ReLU, pooling=nn.MaxPool2d)
    modern = built(models.ModernLeNet)
    assert same(both, modern)
    assert str(both.features) == str(modern.features)
    assert str(both.classifier) == str(modern.classifier)


def test_loaded_weights_survive_the_first_batch():
    trained = built(models.LeNet, seed=3)
    fresh = models.LeNet()
    fresh.load_state_dict(trained.state_dict())
    X = torch.rand(2, 1, 28, 28)
    assert torch.equal(fresh(X), trained(X))
    assert same(fresh, trained)


@pytest.mark.parametrize("make", [models.LeNet, models.ModernLeNet])
def test_channels_and_classes(make):
    net = built(make, 3, 7)
    assert net(torch.rand(2, 3, 28, 28)).shape == (2, 7)
    assert net.features[0].weight.shape == (6, 3, 5, 5)
    assert make(in_channels=2, num_classes=4).in_channels == 2


def test_every_weight_learns():
    net = built(models.ModernLeNet)
    net(torch.rand(4, 1, 28, 28)).logsumexp(1).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().max() > 0, name


# Shapes


@given(h=st.integers(12, 45), w=st.integers(12, 45))
def test_sizes_from_12_pixels_on(h, w):
    net = models.LeNet()
    assert net(torch.zeros(2, 1, h, w)).shape == (2, 10)
    rows, columns = (h // 2 - 4) // 2, (w // 2 - 4) // 2
    assert net.classifier[1].in_features == 16 * rows * columns


@given(
    small=st.integers(1, 11), other=st.integers(1, 40), tall=st.booleans()
)
def test_smaller_images_are_refused(small, other, tall):
    h, w = (other, small) if tall else (small, other)
    with pytest.raises(ValueError, match="12 x 12") as caught:
        models.LeNet()(torch.zeros(2, 1, h, w))
    assert str((2, 1, h, w)) in str(caught.value)


@pytest.mark.parametrize(
    "shape", [(28, 28), (1, 28, 28), (1, 1, 1, 28, 28), (2, 3, 28, 28)]
)
def test_wrong_axes_or_channels(shape):
    with pytest.raises(ValueError, match=r"\(n, 1, h, w\)") as caught:
        models.LeNet()(torch.zeros(shape))
    assert str(shape) in str(caught.value)


def test_wrong_channels_for_colours():
    with pytest.raises(ValueError, match=r"\(n, 3, h, w\)"):
        models.ModernLeNet(3)(torch.zeros(2, 1, 28, 28))


def test_another_size_than_the_first_batch():
    net = built(models.LeNet)
    with pytest.raises(ValueError, match="size of the first") as caught:
        net(torch.zeros(2, 1, 32, 32))
    for word in ("(2, 1, 32, 32)", "576", "400"):
        assert word in str(caught.value)
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_a_refused_batch_leaves_the_size_open():
    net = models.LeNet()
    with pytest.raises(ValueError, match="too small"):
        net(torch.zeros(1, 1, 8, 8))
    assert net(torch.zeros(1, 1, 20, 20)).shape == (1, 10)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "3", None])
@pytest.mark.parametrize("name", ["in_channels", "num_classes"])
@pytest.mark.parametrize("make", [models.LeNet, models.ModernLeNet])
def test_wrong_numbers(make, name, wrong):
    with pytest.raises(ValueError, match=name) as caught:
        make(**{name: wrong})
    assert repr(wrong) in str(caught.value)
