"""Figures: what is drawn is what was given, and bad input is refused."""

import base64
import io
import re
from itertools import combinations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.testing import assert_allclose
from PIL import Image
from torch.nn import functional as F

from helpers import ops, plots


@pytest.fixture(autouse=True)
def figure():
    """Close figures afterwards; return what draws the newest one."""
    plt.close("all")
    yield lambda: plt.gcf()
    plt.close("all")


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed besides figures."""
    found = []
    monkeypatch.setattr(plots, "display", found.append)
    return found


def drawn(figure):
    """Title -> the array of the picture under it."""
    return {
        ax.get_title(): ax.images[0].get_array()
        for ax in figure.axes
        if ax.images
    }


def test_images_scale_bytes_and_clip_numbers(figure):
    grey = torch.tensor([[0, 51], [102, 255]], dtype=torch.uint8)
    colour = torch.rand(3, 4, 5) * 2 - 0.5
    plots.images({"grey": grey, "colour": colour})
    found = drawn(figure())
    assert_allclose(found["grey"], [[0, 0.2], [0.4, 1]], atol=1e-6)
    assert_allclose(found["colour"], colour.permute(1, 2, 0).clamp(0, 1))


@pytest.mark.parametrize(
    ("shape", "height"), [((8, 8), 1.0), ((2, 20), 0.25), ((90, 3), 1.5)]
)
def test_figures_are_as_high_as_their_pictures(figure, shape, height):
    plots.images({"a": torch.rand(shape), "b": torch.rand(shape)})
    across = plots.WIDTH / 2
    expected = [plots.WIDTH, across * height + 0.35]
    assert_allclose(figure().get_size_inches(), expected)


def test_images_stand_in_rows_and_columns(figure):
    pictures = {str(i): torch.rand(2, 2) for i in range(5)}
    plots.images(pictures, columns=3)
    axes = figure().axes
    assert len(axes) == 6
    assert [len(ax.images) for ax in axes] == [1, 1, 1, 1, 1, 0]
    assert axes[3].get_subplotspec().rowspan.start == 1


def test_heatmaps_share_a_scale_that_is_white_at_zero(figure):
    plots.heatmaps({"a": torch.tensor([[-3.0, 0]]), "b": torch.ones(1, 2)})
    for ax in figure().axes:
        assert ax.images[0].get_clim() == (-3, 3)
    zero = figure().axes[0].images[0].cmap(0.5)
    assert min(zero[:3]) > 0.95


def test_heatmaps_of_zeros_and_a_given_limit(figure):
    plots.heatmaps({"zeros": torch.zeros(2, 2)})
    assert figure().axes[0].images[0].get_clim() == (-1, 1)
    plots.heatmaps({"m": torch.ones(2, 2)}, limit=5)
    assert figure().axes[0].images[0].get_clim() == (-5, 5)


def test_kernels_write_their_numbers_in_place(figure):
    plots.kernels({"K": torch.tensor([[1.0, -2.0, 0.125]])})
    texts = figure().axes[0].texts
    assert [t.get_text() for t in texts] == ["1", "-2", "0.125"]
    assert [t.get_position() for t in texts] == [(0, 0), (1, 0), (2, 0)]
    assert texts[1].get_color() == "white"
    assert texts[2].get_color() == "black"


def luminance(colour):
    """As WCAG 2 defines it, from 0 (black) to 1 (white)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgba(colour)[:3]
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_numbers_can_be_read_on_every_colour(figure):
    plots.kernels({"K": torch.linspace(-1, 1, 201)[None]})
    picture, *_ = figure().axes[0].images
    grounds = picture.to_rgba(picture.get_array())[0]
    for text, ground in zip(figure().axes[0].texts, grounds, strict=True):
        pair = luminance(text.get_color()), luminance(ground)
        assert (max(pair) + 0.05) / (min(pair) + 0.05) >= 4.5


WORDS = "several words that say what is seen"
LETTERED = {
    "long titles": lambda: plots.images(
        {f"{WORDS} {i}": torch.rand(4, 6) for i in range(3)}
    ),
    "one short title": lambda: plots.images(
        {"a": torch.eye(4)}
        | {f"{WORDS} {i}": torch.eye(4) for i in range(3)}
    ),
    "long numbers": lambda: plots.kernels(
        {f"{i}": -0.123 - torch.rand(3, 4) for i in range(4)}
    ),
    "maps": lambda: plots.activations(torch.rand(16, 5, 5)),
    "network": lambda: plots.network(
        [("image", (3, 224, 224))] + 5 * [("stage", (128, 112, 112))]
    ),
    "curves": lambda: plots.curves(
        [1, 2],
        {f"{WORDS}, {i}": torch.rand(2) for i in range(5)},
        f"{WORDS} and how far along",
        f"{WORDS} here",
    ),
    "powers of ten": lambda: plots.curves(
        [1, 2], {"a": torch.tensor([1e-4, 1e4])}, "x", "y", log=True
    ),
    "bars": lambda: plots.bars(
        {f"{WORDS} {i}": [0.00123, 0.00125] for i in range(4)},
        f"{WORDS} and how many",
    ),
    "window": lambda: plots.sliding_window(
        torch.ones(5, 6), 9 * torch.ones(2, 2), f"{WORDS} there"
    ),
    "steps": lambda: plots.changing_heatmaps(
        [{"a": torch.full((1, 6), -0.125), "b": torch.ones(1, 2)}],
        f"{WORDS} there",
    ),
}


@pytest.mark.parametrize("draw", LETTERED.values(), ids=LETTERED)
def test_lettering_can_be_read_on_a_phone(
    figure, displayed, monkeypatch, draw
):
    draw()
    texts = []
    monkeypatch.setattr(Text, "draw", lambda text, _: texts.append(text))
    figure().draw_without_rendering()
    texts = [t for t in texts if t.get_visible() and t.get_text()]
    shown = figure().get_tightbbox().width  # inches
    size = min(text.get_fontsize() for text in texts)
    assert size / 72 * 350 / shown >= 10
    boxes = [text.get_window_extent() for text in texts]
    for one, other in combinations(boxes, 2):
        assert not Bbox.intersection(one, other)


def test_a_size_in_a_title_stays_on_one_line(figure):
    names = "first", "second", "dense 1 × 1 between"
    plots.heatmaps({name: torch.eye(2) for name in names})
    titles = [ax.get_title() for ax in figure().axes]
    assert titles == ["first", "second", "dense 1 × 1\nbetween"]


def test_activations_scale_each_channel(figure):
    maps = torch.tensor([[[1, 3]], [[0, 0]]])
    plots.activations(maps, titles=["first", "dead"])
    found = drawn(figure())
    assert_allclose(found["first"], [[0, 1]])
    assert_allclose(found["dead"], [[0, 0]])


def test_a_network_is_drawn_to_scale(figure):
    stages = [("image", (1, 8, 8)), ("maps", (12, 4, 2)), ("flat", (96,))]
    plots.network([*stages, ("flat", (24,))], columns=3)
    axes = figure().axes
    titles = [ax.get_title() for ax in axes]
    assert titles[:3] == [
        "image\n1 × 8 × 8",
        "maps\n12 × 4 × 2",
        "flat\n96",
    ]
    assert titles[3:] == ["flat\n24", "", ""]
    assert [len(ax.patches) for ax in axes] == [1, 8, 1, 1, 0, 0]
    image, maps, long, short = [ax.patches[0] for ax in axes[:4]]
    assert (image.get_width(), image.get_height()) == (1, 1)
    assert (maps.get_width(), maps.get_height()) == (0.25, 0.5)
    assert (long.get_height(), short.get_height()) == (1, 0.5)
    nearest = axes[1].patches[-1]  # drawn last, over the others
    assert nearest.get_xy() == (0, 0)
    for ax in axes[:4]:  # each in the middle, under its title
        left, right = ax.get_xlim()
        assert left < ax.dataLim.x0
        assert right - left == pytest.approx(1.45)
        assert left + right == pytest.approx(ax.dataLim.x0 + ax.dataLim.x1)


def test_rows_of_a_network_are_as_high_as_their_drawings(figure):
    stages = [("image", (1, 8, 8)), ("maps", (9, 1, 1)), ("flat", (96,))]
    plots.network([*stages, ("maps", (1, 2, 2))], columns=2)
    image, maps, flat, small = figure().axes
    assert image.get_ylim() == maps.get_ylim() == (-0.05, 1.05)
    assert flat.get_ylim() == small.get_ylim() == (-0.05, 1.05)
    plots.network(3 * [stages[0]] + [("maps", (1, 2, 2))], columns=3)
    *_, small, _, _ = figure().axes
    assert small.get_ylim() == (-0.05, 0.3)


def test_curves_draw_mean_and_range(figure):
    runs = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    series = {"runs": runs, "one": torch.tensor([5.0, 5.0])}
    plots.curves([0, 10], series, "step", "loss", log=True)
    ax = figure().axes[0]
    assert_allclose(ax.lines[0].get_ydata(), [2, 4])
    assert_allclose(ax.lines[1].get_ydata(), [5, 5])
    assert len(ax.collections) == 1
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(0, 1), (0, 3), (10, 2), (10, 6)} <= {*map(tuple, corners)}
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss")
    (legend,) = figure().legends
    labels = [t.get_text() for t in legend.get_texts()]
    assert labels == ["runs", "one"]


def test_a_vertical_axis_may_begin_at_zero(figure):
    plots.curves(
        [1, 2], {"a": torch.tensor([5.0, 6.0])}, "x", "y", zero=True
    )
    assert figure().axes[0].get_ylim()[0] == 0
    plots.curves([1, 2], {"a": torch.tensor([5.0, 6.0])}, "x", "y")
    assert figure().axes[0].get_ylim()[0] > 4


def test_a_legend_covers_no_line(figure):
    series = {f"line {i}": torch.rand(9) for i in range(6)}
    plots.curves(range(9), series, "x", "y")
    figure().draw_without_rendering()
    (legend,) = figure().legends
    (ax,) = figure().axes
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1


def test_whole_positions_have_whole_ticks(figure):
    plots.curves(range(1, 6), {"a": torch.rand(5)}, "epoch", "loss")
    ticks = figure().axes[0].get_xticks()
    assert all(tick == round(tick) for tick in ticks)
    plots.curves([0.5, 0.6], {"a": torch.rand(2)}, "x", "y")
    assert any(tick % 1 for tick in figure().axes[0].get_xticks())


def test_each_bar_adds_its_height(figure):
    plots.bars({"a": 1.0, "b": 2.0}, "MACs")
    two = figure().get_size_inches()[1]
    plots.bars({"a": 1.0, "b": 2.0, "c": 3.0}, "MACs")
    assert 0.3 < figure().get_size_inches()[1] - two < 0.5


def test_bars_have_their_lengths_and_spread(figure):
    plots.bars({"a": [1.5, 2.0, 2.5], "b": 1.0, "c": [4.0]}, "MACs")
    ax = figure().axes[0]
    assert [bar.get_width() for bar in ax.patches] == [2, 1, 4]
    (errors,) = (c for c in ax.collections)
    ends = [segment[:, 0] for segment in errors.get_segments()]
    assert_allclose(ends, [[1.5, 2.5], [1, 1], [4, 4]])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # first on top
    assert ax.get_xlabel() == "MACs"


def gif_in(html):
    data = re.search(r"base64,([\w+/=]+)", html)[1]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_window_slides_over_every_place(figure, displayed):
    X, K = torch.randn(3, 4), torch.randn(2, 2)
    plots.sliding_window(X, K, alt="A window slides over <the> image.")
    html = displayed[0].data
    assert gif_in(html).n_frames == 2 * 3
    assert "<the>" not in html  # escaped
    assert html.startswith('<details class="motion"><summary>')
    found = drawn(figure())
    assert_allclose(found["output"], ops.corr2d(X, K), rtol=1e-6)
    frames = [
        patch
        for ax in figure().axes
        for patch in ax.patches
        if patch.get_edgecolor() == to_rgba(plots.COLOURS[0])
    ]
    assert [f.get_xy() for f in frames] == [(1.5, 0.5), (1.5, 0.5)]
    assert len(plt.get_fignums()) == 1  # the other frames are closed


def test_the_window_keeps_to_padding_and_stride(figure, displayed):
    X, K = torch.rand(4, 5) + 1, torch.randn(2, 3)
    plots.sliding_window(
        X,
        K,
        alt="A window jumps down and right.",
        padding=(2, 1),
        stride=(3, 2),
    )
    assert gif_in(displayed[0].data).n_frames == 3 * 3
    found = drawn(figure())
    padded = F.pad(X, (1, 1, 2, 2))
    assert_allclose(found["image"], padded, rtol=1e-6)
    expected = F.conv2d(
        X[None, None], K[None, None], stride=(3, 2), padding=(2, 1)
    )
    assert_allclose(found["output"], expected[0, 0], rtol=1e-5)
    image, _, output = figure().axes
    _, dashed, window = image.patches  # the first frames the grid
    assert dashed.get_linestyle() == "--"
    assert dashed.get_bbox().bounds == (0.5, 1.5, 5, 4)
    assert window.get_bbox().bounds == (3.5, 5.5, 3, 2)
    assert output.patches[-1].get_bbox().bounds == (1.5, 1.5, 1, 1)


def test_a_frame_shows_only_what_is_computed_so_far(displayed, monkeypatch):
    seen, scales = [], set()

    def look(figure):
        seen.append(drawn(figure)["output"].mask.sum())
        scales.add(figure.axes[2].images[0].get_clim())
        return Image.new("P", (2, 2))

    monkeypatch.setattr(plots, "_picture", look)
    plots.sliding_window(
        torch.arange(8.0).reshape(2, 4),
        torch.ones(2, 2),
        alt="Three outputs in a row.",
    )
    assert seen == [2, 1, 0]
    assert len(scales) == 1  # a colour means one number in all frames


def test_the_window_keeps_to_one_scale(displayed, monkeypatch):
    scales = set()

    def look(figure):
        scales.add(tuple(ax.images[0].get_clim()[1] for ax in figure.axes))
        return Image.new("P", (2, 2))

    monkeypatch.setattr(plots, "_picture", look)
    X, K = torch.tensor([[1.0, 2, 5]]), torch.tensor([[1.0, -3]])
    plots.sliding_window(X, K, alt="A window slides over three numbers.")
    (limits,) = scales
    assert_allclose(limits, [5 * 1.6, 3 * 1.6, 13 * 1.6])


def test_maps_change_on_one_scale(displayed, monkeypatch):
    seen, scales = [], set()

    def look(figure):
        seen.append(drawn(figure))
        scales.update(ax.images[0].get_clim() for ax in figure.axes)
        left, right = figure.axes[0].get_xlim()
        assert left + right == 1  # the two fields stand in the middle
        return Image.new("P", (2, 2))

    monkeypatch.setattr(plots, "_picture", look)
    steps = [{f"step {k}": torch.tensor([[k, -3.0]])} for k in range(3)]
    plots.changing_heatmaps(steps, alt="The left number grows.")
    assert [list(maps) for maps in seen] == [
        ["step 0"],
        ["step 1"],
        ["step 2"],
    ]
    assert_allclose(seen[2]["step 2"], [[2, -3]])
    assert scales == {(-3, 3)}


def test_a_heavy_animation_is_refused(displayed):
    def noise(_):
        plt.gcf().figimage(torch.rand(400, 400).numpy())

    with pytest.raises(ValueError, match="300,000 are allowed"):
        plots.animation(noise, 12, alt="Noise that does not compress.")
    assert displayed == []


def test_source_is_shown_as_it_is(displayed):
    plots.show_source(ops.corr2d)
    text = displayed[0].data
    assert text.startswith("```python\ndef corr2d(X: Tensor, K: Tensor)")
    assert text.endswith("return Y\n```")


BAD = [
    (lambda: plots.images({}), "dictionary is empty"),
    (lambda: plots.images({"x": torch.rand(2)}), r"shape \(2,\)"),
    (lambda: plots.images({"x": torch.rand(0, 2)}), r"shape \(0, 2\)"),
    (lambda: plots.images({"x": torch.rand(4, 2, 2)}), "4 channels"),
    (lambda: plots.images({"x": torch.rand(2, 2)}, 0), "at least 1, got 0"),
    (lambda: plots.heatmaps({"x": torch.rand(3, 2, 2)}), r"shape \(h, w\)"),
    (lambda: plots.activations(torch.rand(2, 2)), r"got \(2, 2\)"),
    (
        lambda: plots.activations(torch.rand(2, 2, 2), titles=["a", "a"]),
        "1 different titles for 2 channels",
    ),
    (lambda: plots.network([]), "list is empty"),
    (lambda: plots.network([("x", (2, 3))]), r"'x' has shape \(2, 3\)"),
    (lambda: plots.network([("x", (0,))]), r"'x' has shape \(0,\)"),
    (lambda: plots.curves([1], {}, "x", "y"), "dictionary is empty"),
    (
        lambda: plots.curves([1, 2], {"a": torch.rand(3)}, "x", "y"),
        r"shape \(1, 3\), but x has 2",
    ),
    (lambda: plots.images({"x": [[1]]}), "'x' is list, not a tensor"),
    (
        lambda: plots.heatmaps({"x": torch.ones(2, 2) * 1j}),
        "complex64, not a tensor",
    ),
    (lambda: plots.heatmaps({"x": torch.ones(1, 1)}, limit=-1), "got -1"),
    (lambda: plots.curves([1], {"a": [1]}, "x", "y"), "'a' is list"),
    (lambda: plots.bars({}, "x"), "dictionary is empty"),
    (lambda: plots.animation(print, 0, "x" * 20), "needs frames, got 0"),
    (lambda: plots.changing_heatmaps([], "x" * 20), "at least one frame"),
    (
        lambda: plots.changing_heatmaps(
            [{"a": torch.ones(3, 2, 2)}], "x" * 20
        ),
        "a heat map has shape",
    ),
    (
        lambda: plots.changing_heatmaps(
            [{"a": torch.ones(2, 2)}, {}], "x" * 20
        ),
        "all with as many maps",
    ),
    (lambda: plots.animation(print, 1, "short"), "says too little"),
    (
        lambda: plots.sliding_window(
            torch.ones(1, 1), torch.ones(2, 2), "x" * 20
        ),
        r"kernel \(2, 2\) is larger than the image \(1, 1\)",
    ),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
