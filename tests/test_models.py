"""Networks: layers, weights, seeds and the shapes that they refuse."""

from functools import partial
from itertools import pairwise

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

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
ALEXNET_LAYERS = [  # the shapes that D2L 8.1 prints
    ("Conv2d", (1, 96, 54, 54), 11_712),
    ("ReLU", (1, 96, 54, 54), 0),
    ("MaxPool2d", (1, 96, 26, 26), 0),
    ("Conv2d", (1, 256, 26, 26), 614_656),
    ("ReLU", (1, 256, 26, 26), 0),
    ("MaxPool2d", (1, 256, 12, 12), 0),
    ("Conv2d", (1, 384, 12, 12), 885_120),
    ("ReLU", (1, 384, 12, 12), 0),
    ("Conv2d", (1, 384, 12, 12), 1_327_488),
    ("ReLU", (1, 384, 12, 12), 0),
    ("Conv2d", (1, 256, 12, 12), 884_992),
    ("ReLU", (1, 256, 12, 12), 0),
    ("MaxPool2d", (1, 256, 5, 5), 0),
    ("Flatten", (1, 6_400), 0),
    ("Linear", (1, 4_096), 26_218_496),
    ("ReLU", (1, 4_096), 0),
    ("Dropout", (1, 4_096), 0),
    ("Linear", (1, 4_096), 16_781_312),
    ("ReLU", (1, 4_096), 0),
    ("Dropout", (1, 4_096), 0),
    ("Linear", (1, 10), 40_970),
]
TORCHVISION = {name: name for name in models.VGG_BLOCKS} | {
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "resnext50": "resnext50_32x4d",
}
BLOCKS = [
    models.Residual,
    models.Bottleneck,
    models.ResNeXtBlock,
    models.PreActResidual,
    models.PreActBottleneck,
]
SMALL_VGG = partial(models.VGG, ((1, 64), (2, 64)), hidden=64)
SMALL_RESNET = partial(
    models.ResNet, models.Residual, (1, 1), widths=(8, 16)
)
MAKERS = [
    models.LeNet,
    models.ModernLeNet,
    models.AlexNet,
    SMALL_VGG,
    SMALL_RESNET,
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


def on_meta(make, *args, size=224, **kwargs) -> nn.Module:
    """Return a network without numbers that has seen a batch."""
    with torch.device("meta"):
        net = make(*args, **kwargs)
        net(torch.zeros(1, net.in_channels, size, size))
    return net


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def kinds(net: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in net]


def weighty(net: nn.Module) -> list[nn.Module]:
    types = (nn.Conv2d, nn.Linear)
    return [layer for layer in net.modules() if isinstance(layer, types)]


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


@pytest.mark.parametrize(
    ("make", "size", "count"),
    [
        (models.LeNet, 28, 5),
        (models.ModernLeNet, 28, 5),
        (models.AlexNet, 65, 8),
        (SMALL_VGG, 28, 6),
    ],
)
def test_weights_are_drawn_after_xavier(make, size, count):
    layers = weighty(built(make, size=size))
    assert len(layers) == count
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


@pytest.mark.parametrize(
    "make", [models.LeNet, models.ModernLeNet, SMALL_VGG]
)
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


@pytest.mark.parametrize("block", [models.Residual, models.ResNeXtBlock])
def test_the_weights_of_a_resnet_are_drawn_after_he(block):
    torch.manual_seed(0)
    net = models.ResNet(block, (1, 1), widths=(32, 64))
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            outputs, _, *window = layer.weight.shape
            spread = (2 / (outputs * window[0] * window[1])) ** 0.5
            assert 0.93 < layer.weight.std() / spread < 1.07, layer
            assert layer.weight.abs().max() > 2.5 * spread  # normal
        elif isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight == 1).all()
            assert (layer.bias == 0).all()
        elif isinstance(layer, nn.Linear):
            bound = layer.in_features**-0.5
            assert 0.9 * bound < layer.weight.abs().max() <= bound


def test_a_seed_fixes_a_resnet():
    first, again = built(SMALL_RESNET, seed=1), built(SMALL_RESNET, seed=1)
    assert same(first, again)
    other = built(SMALL_RESNET, seed=2)
    for a, b in zip(weighty(first), weighty(other), strict=True):
        assert not torch.equal(a.weight, b.weight)


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
    for words in (str((2, 1, h, w)), "after both poolings"):
        assert words in str(caught.value)


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


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "3", None, True])
@pytest.mark.parametrize("name", ["in_channels", "num_classes"])
@pytest.mark.parametrize("make", MAKERS)
def test_wrong_numbers(make, name, wrong):
    with pytest.raises(ValueError, match=name) as caught:
        make(**{name: wrong})
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (models.AlexNet, 65),
        (SMALL_VGG, 4),
        *[(partial(models.build, name), 32) for name in models.VGG_BLOCKS],
    ],
)
def test_the_smallest_size_is_the_smallest(make, size):
    net = on_meta(make, size=size)
    assert net.smallest == size
    for shape in [(2, 1, size - 1, 99), (2, 1, 99, size - 1)]:
        X = torch.zeros(shape, device="meta")
        with pytest.raises(ValueError, match=f"{size} x {size}") as caught:
            net(X)
        assert str(shape) in str(caught.value)
        assert "after all poolings" in str(caught.value)
        with pytest.raises(RuntimeError, match="too small"):
            net.features(X)


def test_another_size_than_the_first_batch_of_a_vgg():
    net = built(SMALL_VGG, size=8)
    assert net(torch.zeros(2, 1, 9, 11)).shape == (2, 10)  # cropped to 8
    with pytest.raises(ValueError, match="give 576 features"):
        net(torch.zeros(2, 1, 12, 12))


@pytest.mark.parametrize("make", [models.LeNet, SMALL_RESNET])
def test_an_empty_batch_has_no_scores(make):
    net = built(make).eval()
    assert net(torch.zeros(0, 1, 28, 28)).shape == (0, 10)


# The published networks


@pytest.mark.parametrize("name", TORCHVISION)
def test_as_many_parameters_as_torchvision(name):
    with torch.device("meta"):
        reference = getattr(torchvision.models, TORCHVISION[name])()
    ours = on_meta(models.build, name, 3, 1000)
    assert parameters(ours) == parameters(reference)


@pytest.mark.parametrize(
    ("name", "size"),
    [("vgg11", 224), ("resnet18", 75), ("resnet50", 75), ("resnext50", 75)],
)
def test_the_same_scores_as_torchvision(name, size):
    torch.manual_seed(0)
    reference = getattr(torchvision.models, TORCHVISION[name])(
        num_classes=7
    )
    if name != "vgg11":
        reference(torch.rand(2, 3, 75, 75))  # fills running statistics
    ours = on_meta(models.build, name, 3, 7, size=size)
    values = reference.state_dict().values()
    pairs = zip(ours.state_dict(), values, strict=True)
    ours.load_state_dict(dict(pairs), assign=True)
    X = torch.rand(1, 3, size, size)
    with torch.no_grad():
        assert_close(ours.eval()(X), reference.eval()(X))


def test_the_alexnet_of_the_book():
    rows = summary.layers(on_meta(models.AlexNet), (1, 1, 224, 224))
    found = [(row.kind, row.output_shape, row.parameters) for row in rows]
    assert found == ALEXNET_LAYERS
    assert sum(row.parameters for row in rows) == 46_764_746


def test_the_vgg_of_the_book():
    net = on_meta(models.build, "vgg11")
    assert parameters(net) == 128_806_154
    X = torch.zeros(1, 1, 224, 224, device="meta")
    shapes = [X := block(X) for block in net.features]
    assert [tuple(Y.shape[1:]) for Y in shapes] == [
        (64, 112, 112),
        (128, 56, 56),
        (256, 28, 28),
        (512, 14, 14),
        (512, 7, 7),
    ]
    dropouts = [m for m in net.modules() if isinstance(m, nn.Dropout)]
    assert [layer.p for layer in dropouts] == [0.5, 0.5]


def test_what_the_plain_form_of_the_section_adds():
    """D2L's ResNet-18 has biases, and does not normalise projections."""

    def plain(before, after, projected):
        convs = [nn.Conv2d(before, after, 3), nn.Conv2d(after, after, 3)]
        norms = [nn.BatchNorm2d(after), nn.BatchNorm2d(after)]
        if projected:
            convs.append(nn.Conv2d(before, after, 1))
        return nn.Sequential(*convs, *norms)

    widths = (64, 128, 256, 512)
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(1, 64, 7), nn.BatchNorm2d(64))
        for before, after in pairwise((64, *widths)):
            net.append(plain(before, after, before != after))
            net.append(plain(after, after, False))
        net.append(nn.Linear(512, 10))
    biases = 64 + 4 * sum(widths) + sum(widths[1:])
    norms = 2 * sum(widths[1:])
    ours = parameters(on_meta(models.build, "resnet18"))
    assert biases - norms == 3_008
    assert parameters(net) - ours == 3_008
    assert ours == 11_175_370


@pytest.mark.parametrize("name", models.NETWORKS)
def test_every_network_runs_forward_and_backward(name):
    large = name.startswith(("alexnet", "vgg", "resnet101", "resnet152"))
    with torch.device("meta" if large else "cpu"):
        net = models.build(name, in_channels=2, num_classes=3)
        scores = net(torch.rand(2, 2, 65, 65))
    assert scores.shape == (2, 3)
    scores.logsumexp(1).sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert large or parameter.grad.abs().max() > 0, key


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(ValueError, match="'resnet19'") as caught:
        models.build("resnet19")
    listed = str(caught.value).partition("one of ")[2].partition(";")[0]
    assert listed.split(", ") == [
        *("lenet", "modern-lenet", "alexnet"),
        *("vgg11", "vgg13", "vgg16", "vgg19"),
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
        *("preact-resnet18", "preact-resnet50", "resnext50"),
    ]


# VGG


@pytest.mark.parametrize("arch", [((2, 4),), [[1, 2], [3, 4], [1, 5]]])
def test_any_blocks_make_a_vgg(arch):
    net = models.VGG(arch, 3, 7, hidden=6)
    size = 2 ** len(arch)
    assert net(torch.zeros(1, 3, size, size)).shape == (1, 7)
    for (convolutions, channels), block in zip(
        arch, net.features, strict=True
    ):
        layers = ["Conv2d", "ReLU"] * convolutions + ["MaxPool2d"]
        assert kinds(block) == layers
        assert block[-3].out_channels == channels
    sizes = [m.out_features for m in net.modules() if type(m) is nn.Linear]
    assert sizes == [6, 6, 7]


@pytest.mark.parametrize(
    "arch",
    [(), 3, None, "vgg11", (1, 64), ((1,),), ((1, 64, 3),), ((0, 8),)],
)
def test_wrong_blocks_for_a_vgg(arch):
    with pytest.raises(ValueError, match="arch must be pairs") as caught:
        models.VGG(arch)
    assert repr(arch) in str(caught.value)


def test_wrong_hidden_layers_for_a_vgg():
    with pytest.raises(ValueError, match="hidden must be"):
        SMALL_VGG(hidden=0)


# Inception


def test_an_inception_block_computes_what_its_source_describes():
    torch.manual_seed(0)
    block = models.InceptionBlock(192, 64, (96, 128), (16, 32), 32)
    assert parameters(block) == 163_696
    W = weights(block)
    X = torch.randn(2, 192, 9, 8)

    def conv(H, i):
        same = W[i].shape[-1] // 2
        return F.conv2d(H, W[i], W[i + 1], padding=same).relu()

    pooled = F.max_pool2d(X, 3, stride=1, padding=1)
    branches = [
        conv(X, 0),
        conv(conv(X, 2), 4),
        conv(conv(X, 6), 8),
        conv(pooled, 10),
    ]
    assert [Y.shape[1] for Y in branches] == [64, 128, 32, 32]
    assert [w.shape[-1] for w in W[::2]] == [1, 1, 3, 1, 5, 1]
    assert_close(block(X), torch.cat(branches, dim=1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_channels": 0}, ["in_channels", "not 0"]),
        ({"c1": 1.5}, ["c1", "not 1.5"]),
        ({"c4": None}, ["c4", "not None"]),
        ({"c2": 4}, ["c2 and c3", "pairs", "not 4 and (1, 2)"]),
        ({"c3": (1, 2, 3)}, ["(96, 128)", "not (1, 2) and (1, 2, 3)"]),
    ],
)
def test_wrong_channels_for_an_inception_block(change, words):
    sizes = {"in_channels": 3, "c1": 1, "c2": (1, 2), "c3": (1, 2), "c4": 1}
    with pytest.raises(ValueError) as caught:
        models.InceptionBlock(**sizes | change)
    for word in words:
        assert word in str(caught.value)


# Residual blocks


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(
    ("before", "stride"), [(64, 1), (32, 1), (64, 2), (32, 2)]
)
def test_a_shortcut_is_projected_only_where_the_shape_changes(
    block, before, stride
):
    made = block(before, 64, stride)
    Y = made(torch.zeros(2, before, 7, 8))
    assert Y.shape == (2, 64, *((7, 8) if stride == 1 else (4, 4)))
    assert (made.projection is None) == (before == 64 and stride == 1)


@pytest.mark.parametrize(
    "block", [models.PreActResidual, models.PreActBottleneck]
)
def test_without_its_last_convolution_a_preactivated_block_is_the_identity(
    block,
):
    made = block(8, 8)
    nn.init.zeros_(made.branch[-1].weight)
    X = torch.randn(2, 8, 5, 5)
    assert (X < 0).any()
    assert torch.equal(made(X), X)
    assert torch.equal(made.eval()(X), X)


def test_a_residual_block_is_not_the_identity():
    made = models.Residual(8, 8)
    nn.init.zeros_(made.branch[-2].weight)
    X = torch.randn(2, 8, 5, 5)
    assert torch.equal(made(X), X.relu())
    assert not torch.equal(made(X), X)


@pytest.mark.parametrize(
    "block", [models.PreActResidual, models.PreActBottleneck]
)
@pytest.mark.parametrize(
    ("before", "stride"), [(16, 1), (8, 1), (16, 2), (8, 2)]
)
def test_a_preactivated_block_computes_what_its_source_describes(
    block, before, stride
):
    torch.manual_seed(0)
    made = block(before, 16, stride)
    for parameter in made.parameters():
        nn.init.normal_(parameter)  # also of the normalisations
    W = [p for p in made.parameters() if p.ndim == 4]
    norms = [p for p in made.parameters() if p.ndim == 1]
    X = torch.randn(3, before, 6, 7)

    def activated(H, i):
        scale, shift = norms[2 * i : 2 * i + 2]
        normal = F.batch_norm(H, None, None, scale, shift, training=True)
        return normal.relu()

    H = first = activated(X, 0)
    steps = (
        (stride, 1) if block is models.PreActResidual else (1, stride, 1)
    )
    for i, step in enumerate(steps):
        H = activated(H, i) if i else H
        padding = W[i].shape[-1] // 2
        H = F.conv2d(H, W[i], stride=step, padding=padding)
    shortcut = X
    if before != 16 or stride != 1:
        shortcut = F.conv2d(first, W[-1], stride=stride)
    assert_close(made(X), H + shortcut)


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (models.Residual, (128, 128)),
        (models.PreActResidual, (128, 128)),
        (models.Bottleneck, (32, 32, 128)),
        (models.PreActBottleneck, (32, 32, 128)),
        (models.ResNeXtBlock, (64, 64, 128)),
        (partial(models.ResNeXtBlock, groups=8), (64, 64, 128)),
    ],
)
def test_channels_inside_a_block(make, inner):
    convs = [m for m in make(16, 128, 2).branch if isinstance(m, nn.Conv2d)]
    assert tuple(m.out_channels for m in convs) == inner
    wide = convs[0] if len(inner) == 2 else convs[1]
    assert [m.stride for m in convs if m is not wide].count((2, 2)) == 0
    assert (wide.kernel_size, wide.stride) == ((3, 3), (2, 2))
    assert all(m.bias is None for m in convs)
    groups = {models.ResNeXtBlock: 32}.get(make, 1)
    assert wide.groups == getattr(make, "keywords", {}).get(
        "groups", groups
    )


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "3", None, True])
@pytest.mark.parametrize("name", ["in_channels", "out_channels", "stride"])
@pytest.mark.parametrize("block", BLOCKS)
def test_wrong_numbers_for_a_block(block, name, wrong):
    sizes = {"in_channels": 64, "out_channels": 64, "stride": 1}
    with pytest.raises(ValueError, match=f"{name} must be") as caught:
        block(**sizes | {name: wrong})
    assert str(caught.value).endswith(f"not {wrong!r}")


@pytest.mark.parametrize(
    ("make", "wrong", "multiple", "such_as"),
    [
        (models.Bottleneck, 6, 4, 8),
        (models.PreActBottleneck, 3, 4, 4),
        (models.ResNeXtBlock, 32, 64, 64),
        (models.ResNeXtBlock, 100, 64, 128),
        (partial(models.ResNeXtBlock, groups=5), 64, 10, 70),
    ],
)
def test_impossible_channels(make, wrong, multiple, such_as):
    message = f"a multiple of {multiple}, such as {such_as}, not {wrong}$"
    with pytest.raises(ValueError, match=message):
        make(8, wrong)
    assert make(8, such_as)(torch.zeros(2, 8, 3, 3)).shape[1] == such_as


def test_wrong_groups():
    with pytest.raises(ValueError, match="groups must be"):
        models.ResNeXtBlock(64, 64, groups=0)


# ResNet


@pytest.mark.parametrize("name", models.RESNETS)
def test_the_stages_of_a_resnet(name):
    block, depths = models.RESNETS[name]
    net = on_meta(models.build, name)
    stem, *stages = net.features[:5]
    X = stem(torch.zeros(1, 1, 224, 224, device="meta"))
    assert X.shape == (1, 64, 56, 56)
    assert kinds(stem) == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    for i, stage in enumerate(stages):
        X = stage(X)
        assert X.shape[1] == 64 * 2**i * block.expansion
        assert X.shape[2:] == (56 // 2**i, 56 // 2**i)
        assert {type(made) for made in stage} == {block}
        projected = [made.projection is not None for made in stage]
        changed = i > 0 or block.expansion > 1
        assert projected == [changed] + [False] * (depths[i] - 1)
    last = ["AdaptiveAvgPool2d"]
    if name.startswith("preact"):
        last = ["BatchNorm2d", "ReLU", *last]
    assert kinds(net.features[5:]) == last
    assert kinds(net.classifier) == ["Flatten", "Linear"]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("stages", [1, 3, 5])
def test_any_number_of_stages(block, stages):
    widths = [16 * block.expansion] * stages
    net = models.ResNet(block, [1] * stages, 3, 7, widths)
    X = torch.zeros(2, 3, 40, 50)
    assert net(X).shape == (2, 7)
    assert kinds(net.features).count("Sequential") == 1 + stages
    assert net.features[0][0].out_channels == widths[0]


def test_a_resnet_takes_images_of_any_size():
    net = models.build("resnet18")
    with pytest.raises(ValueError, match="more than 1 value"):
        net(torch.zeros(1, 1, 32, 32))  # PyTorch's, of one number
    assert net(torch.zeros(1, 1, 33, 33)).shape == (1, 10)
    net.eval()
    for size in [(1, 1), (1, 70), (28, 28)]:
        assert net(torch.zeros(1, 1, *size)).shape == (1, 10)
    with pytest.raises(ValueError, match="1 x 1 pixels are the least"):
        net(torch.zeros(1, 1, 0, 5))
    with pytest.raises(ValueError, match=r"\(n, 1, h, w\)"):
        net(torch.zeros(1, 3, 28, 28))


@pytest.mark.parametrize(
    ("depths", "widths"),
    [
        ((2, 2), (64, 128, 256)),
        ((), ()),
        ((2, 0), (64, 128)),
        ((2, 2), (64, 1.5)),
        (2, (64,)),
        ((2,), None),
    ],
)
def test_wrong_stages(depths, widths):
    with pytest.raises(
        ValueError, match="one of each for every stage"
    ) as caught:
        models.ResNet(models.Residual, depths, widths=widths)
    assert f"{depths!r} and {widths!r}" in str(caught.value)


def test_widths_that_a_block_cannot_have():
    with pytest.raises(
        ValueError, match="multiple of 64, such as 64, not 8"
    ):
        models.ResNet(models.ResNeXtBlock, (1,), widths=(2,))
