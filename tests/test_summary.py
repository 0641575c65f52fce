"""helpers.summary: counts, activations and receptive fields."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from helpers import summary
from helpers.summary import Layer, ReceptiveField

many = settings(max_examples=40)


def lenet(device="cpu"):
    with torch.device(device):
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.Sigmoid(),
            nn.Linear(120, 84),
            nn.Sigmoid(),
            nn.Linear(84, 10),
        )


def vgg11(device="meta"):
    blocks, channels = [], 3
    with torch.device(device):
        for count, width in (1, 64), (1, 128), (2, 256), (2, 512), (2, 512):
            block = []
            for _ in range(count):
                block += [
                    nn.Conv2d(channels, width, 3, padding=1),
                    nn.ReLU(),
                ]
                channels = width
            blocks.append(nn.Sequential(*block, nn.MaxPool2d(2)))
        return nn.Sequential(
            *blocks,
            nn.Flatten(),
            nn.Sequential(nn.Linear(512 * 7 * 7, 4096), nn.ReLU()),
            nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, 1000),
        )


class Residual(nn.Module):
    """A block with one ReLU for two places and a grouped convolution."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 4, 3, padding=1)
        self.drop = nn.Dropout(0.5)

    def forward(self, X):
        Y = self.relu(self.bn1(self.conv1(X)))
        return self.relu(X + self.drop(self.conv2(Y)))


class Mixed(nn.Module):
    """Work and parameters outside the layers, and an unused layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.scale = nn.Parameter(torch.ones(2, 1, 1))
        self.extra = nn.Parameter(torch.ones(3, 2, 1, 1))
        self.unused = nn.Linear(5, 7)

    def forward(self, X):
        return F.conv2d(self.scale * self.conv(X), self.extra)


def state(model):
    """Everything about a model that a look at it must not change."""
    return (
        [module.training for module in model.modules()],
        {name: T.clone() for name, T in model.state_dict().items()},
        [
            None if p.grad is None else p.grad.clone()
            for p in model.parameters()
        ],
        [p.requires_grad for p in model.parameters()],
        [
            len(m._forward_hooks) + len(m._forward_pre_hooks)
            for m in model.modules()
        ],
        torch.get_rng_state(),
        torch.is_grad_enabled(),
    )


def assert_same_state(before, after):
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def used_residual():
    """A residual block in a mixed mode, with gradients and statistics."""
    torch.manual_seed(3)
    model = Residual()
    model(torch.randn(2, 4, 5, 5)).sum().backward()
    model.conv2.weight.requires_grad_(False)
    model.bn1.eval()
    return model


# Layers, parameters and MACs


def test_layers_of_lenet_as_counted_by_hand():
    def row(name, kind, output_shape, parameters=0, macs=0):
        return Layer(name, kind, (1, *output_shape), parameters, macs)

    assert summary.layers(lenet(), (1, 1, 28, 28)) == [
        row("0", "Conv2d", (6, 28, 28), 6 * 26, 6 * 25 * 28 * 28),
        row("1", "Sigmoid", (6, 28, 28)),
        row("2", "AvgPool2d", (6, 14, 14)),
        row("3", "Conv2d", (16, 10, 10), 16 * 151, 16 * 150 * 10 * 10),
        row("4", "Sigmoid", (16, 10, 10)),
        row("5", "AvgPool2d", (16, 5, 5)),
        row("6", "Flatten", (400,)),
        row("7", "Linear", (120,), 401 * 120, 400 * 120),
        row("8", "Sigmoid", (120,)),
        row("9", "Linear", (84,), 121 * 84, 120 * 84),
        row("10", "Sigmoid", (84,)),
        row("11", "Linear", (10,), 85 * 10, 84 * 10),
    ]


def test_counts_are_for_the_whole_batch():
    one = summary.layers(lenet(), (1, 1, 28, 28))
    three = summary.layers(lenet(), (3, 1, 28, 28))
    for a, b in zip(one, three, strict=True):
        assert b.output_shape == (3, *a.output_shape[1:])
        assert b.parameters == a.parameters
        assert b.macs == 3 * a.macs


def test_vgg11_on_meta_has_the_published_size():
    model = vgg11()
    assert summary.parameters(model) == 132_863_336
    rows = summary.layers(model, (1, 3, 224, 224))
    assert sum(row.parameters for row in rows) == 132_863_336
    assert [row.kind for row in rows].count("Conv2d") == 8
    dense = sum(row.macs for row in rows if row.kind == "Linear")
    assert dense == 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000
    total = summary.macs(model, (1, 3, 224, 224))
    assert total == sum(row.macs for row in rows) == 7_609_090_048
    assert rows[-1].output_shape == (1, 1000)
    assert rows[0].name == "0.0"


def counter_macs(model, X):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(X)
    return counter.get_total_flops() / 2


@pytest.mark.parametrize(
    ("make", "input_shape"),
    [
        (lenet, (2, 1, 28, 28)),
        (lambda: lenet("meta"), (2, 1, 28, 28)),
        (Residual, (2, 4, 6, 5)),
        (Mixed, (2, 1, 6, 5)),
        (lambda: nn.ConvTranspose2d(3, 4, 3, stride=2), (1, 3, 5, 4)),
        (lambda: nn.Conv2d(6, 9, (3, 1), 2, groups=3), (2, 6, 9, 7)),
        (lambda: nn.Linear(3, 4), (2, 3)),
        (nn.ReLU, (2, 3)),
    ],
)
def test_columns_add_up_to_the_counters(make, input_shape):
    model = make().eval()
    rows = summary.layers(model, input_shape)
    first = next(model.parameters(), torch.empty(0))
    expected = counter_macs(
        model, torch.zeros(input_shape, device=first.device)
    )
    assert sum(row.macs for row in rows) == expected
    assert summary.macs(model, input_shape) == expected
    distinct = {id(p): p.numel() for p in model.parameters()}
    assert summary.parameters(model) == sum(distinct.values())
    assert sum(row.parameters for row in rows) == sum(distinct.values())


def test_grouped_convolution_and_a_layer_called_twice():
    rows = summary.layers(Residual(), (1, 4, 6, 5))
    names = ["conv1", "bn1", "relu", "conv2", "drop", "relu"]
    assert [row.name for row in rows] == names
    weights = [8 * 2 * 9, 4 * 8 * 9]  # two groups of 2 input channels
    parameters = [weights[0], 2 * 8, 0, weights[1] + 4, 0, 0]
    assert [row.parameters for row in rows] == parameters
    macs = [weights[0] * 6 * 5, 0, 0, weights[1] * 6 * 5, 0, 0]
    assert [row.macs for row in rows] == macs


def test_a_shared_layer_costs_twice_and_is_stored_once():
    shared = nn.Conv2d(2, 2, 3, padding=1)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    rows = summary.layers(model, (1, 2, 4, 4))
    assert [row.name for row in rows] == ["0", "1", "0"]
    assert [row.parameters for row in rows] == [38, 0, 0]
    assert [row.macs for row in rows] == [36 * 16, 0, 36 * 16]
    assert summary.parameters(model) == 38
    assert summary.macs(model, (1, 2, 4, 4)) == 2 * 36 * 16


def test_a_tied_weight_is_counted_in_the_first_row_only():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    rows = summary.layers(model, (1, 3))
    assert [row.parameters for row in rows] == [12, 3]
    assert summary.parameters(model) == 15


def test_what_is_outside_the_layers_has_a_row_of_its_own():
    conv, other = summary.layers(Mixed(), (1, 1, 6, 5))
    assert conv == Layer("conv", "Conv2d", (1, 2, 4, 3), 20, 18 * 12)
    assert other == Layer("(other)", "", (), 2 + 6 + 42, 6 * 12)


def test_a_module_whose_only_child_is_empty_is_no_layer():
    model = nn.Sequential(nn.Sequential(nn.Sequential()))
    names = [row.name for row in summary.layers(model, (1, 3))]
    assert names == ["0.0"]


def test_layers_initialise_lazy_modules_as_a_first_batch_does():
    torch.manual_seed(0)
    model = nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d())
    with pytest.raises(ValueError, match="uninitialized"):
        summary.parameters(model)
    rows = summary.layers(model, (1, 3, 4, 4))
    assert [row.kind for row in rows] == ["Conv2d", "BatchNorm2d"]
    assert [row.parameters for row in rows] == [56, 4]
    torch.manual_seed(0)
    other = nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d())
    other(torch.ones(1, 3, 4, 4))
    assert torch.equal(model[0].weight, other[0].weight)


def test_the_input_has_the_models_dtype_or_the_given_one():
    assert summary.macs(lenet().double(), (1, 1, 28, 28)) == 416_520
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3))
    assert summary.macs(model, (2, 5), dtype=torch.int64) == 2 * 5 * 12
    rows = summary.layers(model, (2, 5), dtype=torch.int64)
    assert rows[0] == Layer("0", "Embedding", (2, 5, 4), 40, 0)


@pytest.mark.parametrize(
    "shape", [(1, 0, 28, 28), (1, -1, 28), (1, 2.5), (1, True), (), 5]
)
def test_a_bad_input_shape_is_refused_by_name(shape):
    with pytest.raises(ValueError, match="input_shape") as caught:
        summary.layers(lenet(), shape)
    assert str(shape) in str(caught.value)


def test_a_layer_that_returns_a_tuple_is_refused_by_name():
    model = nn.Sequential(nn.Identity(), nn.LSTM(3, 4))
    message = r"'1' \(LSTM\) returns tuple"
    with pytest.raises(ValueError, match=message):
        summary.layers(model, (5, 2, 3))
    with pytest.raises(ValueError, match=message):
        summary.activations(model, torch.zeros(5, 2, 3))


def test_table():
    rows = [
        Layer("conv", "Conv2d", (1, 6, 28, 28), 156, 117_600),
        Layer("10", "Linear", (1, 10), 1_200, 840),
        Layer("(other)", "", (), 3, 0),
    ]
    assert summary.table(rows).splitlines() == [
        "layer    kind    output     parameters     MACs",
        "-----------------------------------------------",
        "conv     Conv2d  1×6×28×28         156  117,600",
        "10       Linear  1×10            1,200      840",
        "(other)                              3        0",
        "-----------------------------------------------",
        "total                            1,359  118,440",
    ]


def test_table_of_a_large_network_fits_a_notebook():
    text = summary.table(summary.layers(vgg11(), (1, 3, 224, 224)))
    widths = {len(line) for line in text.splitlines()}
    assert len(widths) == 1
    assert widths.pop() <= 76
    assert text.endswith("132,863,336  7,609,090,048")


# The model stays as it was


def look_at(model, what):
    shape = (2, 4, 6, 5)
    if what == "activations":
        summary.activations(model, torch.ones(shape))
    else:
        getattr(summary, what)(model, shape)


@pytest.mark.parametrize(
    "what", ["layers", "macs", "activations", "measured_receptive_field"]
)
def test_looking_changes_nothing(what):
    model = used_residual()
    assert model.conv1.weight.grad.any()
    assert model.bn1.running_mean.any()
    before = state(model)
    look_at(model, what)
    assert_same_state(before, state(model))


@pytest.mark.parametrize(
    "what", ["layers", "macs", "activations", "measured_receptive_field"]
)
def test_looking_changes_nothing_when_the_model_fails(what):
    model = nn.Sequential(used_residual(), nn.Linear(99, 1)).train()
    before = state(model)
    with pytest.raises(RuntimeError):
        look_at(model, what)
    assert_same_state(before, state(model))


def test_looking_restores_the_mode_of_a_layer_with_two_parents():
    shared = nn.Conv2d(4, 4, 1)
    model = nn.Sequential(nn.Sequential(shared), nn.Sequential(shared))
    model.train()
    shared.eval()
    before = state(model)
    summary.layers(model, (1, 4, 3, 3))
    assert_same_state(before, state(model))


# Activations


def test_activations_are_the_outputs_in_order():
    torch.manual_seed(0)
    model, X = lenet(), torch.randn(2, 1, 28, 28)
    outputs = summary.activations(model, X)
    assert list(outputs) == [str(i) for i in range(12)]
    Y = X
    for name, layer in model.named_children():
        Y = layer(Y)
        assert torch.equal(outputs[name], Y)
        assert not outputs[name].requires_grad


def test_activations_by_name_of_any_module():
    model = nn.Sequential(Residual(), nn.Conv2d(4, 1, 1))
    X = torch.randn(1, 4, 5, 5)
    names = ["1", "0", "0.bn1", ""]
    outputs = summary.activations(model, X, names)
    assert list(outputs) == ["0.bn1", "0", "1", ""]
    model.eval()
    assert torch.equal(outputs["0"], model[0](X))
    assert torch.equal(outputs[""], model(X))
    assert summary.activations(model, X, []) == {}


def test_activations_survive_layers_that_work_in_place():
    model = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
    X = torch.tensor([-1.0, 2.0])
    outputs = summary.activations(model, X)
    assert outputs["0"].tolist() == [-1, 2]
    assert outputs["1"].tolist() == [0, 2]
    assert X.tolist() == [-1, 2]


def test_activations_keep_the_last_call():
    torch.manual_seed(0)
    model, X = Residual(), torch.randn(1, 4, 5, 5)
    outputs = summary.activations(model, X)
    model.eval()
    assert torch.equal(outputs["relu"], model(X))
    assert set(outputs) == {"conv1", "bn1", "relu", "conv2", "drop"}


def test_activations_refuse_unknown_names_with_the_known_ones():
    with pytest.raises(ValueError, match="conv9") as caught:
        summary.activations(Residual(), torch.ones(1, 4, 5, 5), ["conv9"])
    for name in "conv1", "bn1", "relu", "conv2", "drop":
        assert repr(name) in str(caught.value)


def test_activations_refuse_a_module_that_is_not_called():
    model, X = Mixed(), torch.ones(1, 1, 5, 5)
    assert list(summary.activations(model, X)) == ["conv"]
    with pytest.raises(ValueError, match=r"does not call \['unused'\]"):
        summary.activations(model, X, ["conv", "unused"])


# Receptive fields


def test_receptive_fields_known_from_the_text():
    vgg16 = [64, 64, "M", 128, 128, "M", *([256] * 3), "M"]
    vgg16 += [*([512] * 3), "M", *([512] * 3), "M"]
    chain = [
        nn.MaxPool2d(2) if n == "M" else nn.LazyConv2d(n, 3, padding=1)
        for n in vgg16
    ]
    assert summary.receptive_field(nn.Sequential(*chain)) == ReceptiveField(
        size=(212, 212), stride=(32, 32)
    )
    for count, size in enumerate([3, 7, 15, 31], start=1):
        chain = [nn.Conv2d(1, 1, 3, stride=2) for _ in range(count)]
        field = summary.receptive_field(nn.Sequential(*chain))
        assert field == ReceptiveField((size,) * 2, (2**count,) * 2)
    field = summary.receptive_field(lenet()[:6])
    assert field == ReceptiveField((16, 16), (4, 4))


def test_receptive_field_of_single_layers():
    cases = [
        (nn.Conv2d(1, 1, (3, 5), stride=(1, 2)), (3, 5), (1, 2)),
        (nn.Conv2d(1, 1, 3, dilation=(2, 4)), (5, 9), (1, 1)),
        (nn.MaxPool2d((3, 2)), (3, 2), (3, 2)),
        (nn.MaxPool2d(3, stride=1, dilation=2), (5, 5), (1, 1)),
        (nn.AvgPool2d(3, stride=(2, 1)), (3, 3), (2, 1)),
        (nn.ReLU(), (1, 1), (1, 1)),
        (nn.Sequential(), (1, 1), (1, 1)),
    ]
    for layer, size, stride in cases:
        assert summary.receptive_field(layer) == ReceptiveField(
            size, stride
        )


def test_receptive_field_counts_a_shared_layer_each_time():
    shared = nn.Conv2d(1, 1, 3)
    field = summary.receptive_field(nn.Sequential(shared, shared))
    assert field.size == (5, 5)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.Linear(3, 3), "Linear"),
        (nn.Flatten(), "Flatten"),
        (nn.AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d"),
        (nn.ConvTranspose2d(1, 1, 3), "ConvTranspose2d"),
        (nn.Conv1d(1, 1, 3), "Conv1d"),
        (nn.GroupNorm(1, 1), "GroupNorm"),
        (Residual(), "Residual"),
    ],
)
def test_receptive_field_refuses_what_it_cannot_follow(layer, name):
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 1, 3), layer))
    with pytest.raises(ValueError, match=rf"'0\.1' \({name}\)"):
        summary.receptive_field(model)


sides = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def chains(draw):
    """A chain of up to four layers on two channels, partly nested."""
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = draw(sides), draw(sides), draw(sides)
        kind = draw(st.sampled_from(["conv", "max", "avg", "point"]))
        if kind == "conv":
            layer = nn.Conv2d(2, 2, kernel, stride, dilation=dilation)
            if draw(st.booleans()):
                nn.init.zeros_(layer.weight)
        elif kind == "max":
            layer = nn.MaxPool2d(kernel, stride, dilation=dilation)
        elif kind == "avg":
            layer = nn.AvgPool2d(kernel, stride)
        else:
            kind = draw(st.sampled_from(summary.POINTWISE))
            layer = kind(2) if kind is nn.BatchNorm2d else kind()
        if draw(st.booleans()):
            layer = nn.Sequential(nn.ReLU(), layer)
        layers.append(layer)
    return nn.Sequential(*layers)


@many
@given(chains())
def test_formula_and_measurement_of_the_receptive_field_agree(model):
    field = summary.receptive_field(model)
    side = [
        n + 2 * s for n, s in zip(field.size, field.stride, strict=True)
    ]
    measured = summary.measured_receptive_field(model, (1, 2, *side))
    assert measured == field.size


@pytest.mark.parametrize("kind", summary.POINTWISE)
def test_pointwise_layers_are_pointwise(kind):
    layer = kind(2) if kind is nn.BatchNorm2d else kind()
    measured = summary.measured_receptive_field(layer, (1, 2, 7, 6))
    assert measured == (1, 1)


@pytest.mark.parametrize(
    "layer", [nn.Identity(), nn.BatchNorm2d(1), nn.ReLU(), nn.Dropout()]
)
def test_pointwise_layers_widen_no_field(layer):
    chain = nn.Sequential(nn.Conv2d(1, 1, 3), layer)
    assert summary.receptive_field(chain).size == (3, 3)


def test_measurement_beyond_chains_and_at_the_border():
    model = Residual()
    assert summary.measured_receptive_field(model, (1, 4, 9, 8)) == (5, 5)
    assert summary.measured_receptive_field(model, (1, 4, 4, 9)) == (4, 5)
    pooled = nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1))
    assert summary.measured_receptive_field(pooled, (1, 1, 9, 8)) == (9, 8)


def test_measurement_of_a_model_that_looks_at_nothing():
    class Zero(nn.Module):
        def forward(self, X):
            return torch.zeros_like(X)

    assert summary.measured_receptive_field(Zero(), (1, 1, 4, 4)) == (0, 0)


def test_measurement_refuses_what_has_no_central_pixel():
    with pytest.raises(ValueError, match=r"\(1, 10\)"):
        summary.measured_receptive_field(lenet(), (1, 1, 28, 28))
    with pytest.raises(
        ValueError, match=r"\(n, c, h, w\), got \(1, 28, 28\)"
    ):
        summary.measured_receptive_field(lenet()[:6], (1, 28, 28))


def test_receptive_field_of_one_pixel_moves_by_the_stride():
    model = lenet()[:6]
    size, stride = 16, 4
    X = torch.zeros(1, 1, 40, 40, requires_grad=True)
    starts = []
    for i in (3, 4, 5):
        (gradient,) = torch.autograd.grad(model(X)[0, :, 3, i].sum(), X)
        columns = gradient[0, 0].any(dim=0).nonzero().flatten()
        assert columns[-1] - columns[0] + 1 == size
        starts.append(columns[0].item())
    assert starts == [starts[0], starts[0] + stride, starts[0] + 2 * stride]
    field = summary.receptive_field(model)
    assert field == ReceptiveField((size, size), (stride, stride))
