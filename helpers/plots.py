"""One look for every figure of the book.

Colours come from Okabe and Ito's palette, which colour-blind readers can
tell apart (https://jfly.uni-koeln.de/color/), signed values run from purple
over white to orange, and every figure brings its own light ground, so that
it reads the same in light and in dark mode. The functions draw and show;
they return nothing, so that a cell can end with the call.

Figures are narrow for their lettering: shown 350 pixels wide, as on a
phone, a point of type is about a pixel. Where the lettering needs room,
there are fewer pictures in a row, and never smaller type.

Pictures are given as a dictionary from title to tensor. The cell that draws
carries the alternative text in its metadata (``mystnb.image.alt``).
"""

import base64
import inspect
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import HTML, Markdown, display
from matplotlib.colors import to_rgb
from matplotlib.textpath import TextPath
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from helpers.ops import corr2d

__all__ = [
    "COLOURS",
    "activations",
    "animation",
    "bars",
    "changing_heatmaps",
    "curves",
    "heatmaps",
    "images",
    "kernels",
    "network",
    "show_source",
    "sliding_window",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SIGNED = "PuOr_r"
WIDTH = 5.0  # inches
FONT = 12  # points, everywhere
GAP = 0.15  # inches between the lettering of neighbours

STYLE = {
    "axes.formatter.min_exponent": 5,  # no small type for 0.001
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": FONT,
    "figure.constrained_layout.use": True,
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "font.size": FONT,
    "image.interpolation": "nearest",
    "legend.frameon": False,
}


def _check(pictures: Mapping[str, Tensor]) -> None:
    """Refuse an empty collection and tensors that are no picture."""
    if not pictures:
        raise ValueError("no picture to draw: the dictionary is empty")
    for title, picture in pictures.items():
        _check_tensor(title, picture)
        shape = tuple(picture.shape)
        if len(shape) not in (2, 3) or 0 in shape:
            raise ValueError(
                f"{title!r} has shape {shape}; expected (h, w) or (3, h, w)"
            )
        if len(shape) == 3 and shape[0] != 3:
            raise ValueError(
                f"{title!r} has {shape[0]} channels in shape {shape}; a "
                "colour picture has 3 (one map per channel: activations)"
            )


def _check_tensor(title: str, values: Tensor) -> None:
    """Refuse what cannot be drawn as numbers."""
    if not isinstance(values, Tensor) or values.is_complex():
        kind = getattr(values, "dtype", type(values).__name__)
        raise ValueError(f"{title!r} is {kind}, not a tensor of numbers")


def _axes(
    pictures: Mapping[str, Tensor],
    columns: int | None,
    numbers: bool = False,
) -> list:
    """Axes without ticks, one per picture, with its title."""
    rows, across, height = _grid(pictures, columns, numbers)
    figure = plt.figure(figsize=(WIDTH, rows * height))
    return _titled(figure.subplots(rows, across, squeeze=False), pictures)


def _titled(axes: np.ndarray, pictures: Mapping[str, Tensor]) -> list:
    """Give the first axes the pictures' titles; no axes have ticks."""
    for ax in axes.flat:
        ax.axis("off")
    for ax, title in zip(axes.flat, pictures, strict=False):
        ax.set_title(_folded(title, WIDTH / axes.shape[1] - GAP))
    return list(axes.flat[: len(pictures)])


def _grid(
    pictures: Mapping[str, Tensor], columns: int | None, numbers: bool
) -> tuple[int, int, float]:
    """Rows, columns and the height of a row for pictures with titles.

    There are as many columns as allowed, four if nothing is said, but
    only so many that titles and numbers have room.
    """
    most = min(len(pictures), 4) if columns is None else columns
    if most < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    needed = max(_width(_halved(title)) for title in pictures)
    if numbers:
        maps = pictures.values()
        needed = max(needed, *(m.shape[-1] * _field_width(m) for m in maps))
    across = _columns(needed, most)
    rows = math.ceil(len(pictures) / across)
    across = math.ceil(len(pictures) / rows)  # no row much shorter
    width = WIDTH / across
    lines = max(
        _folded(title, width - GAP).count("\n") for title in pictures
    )
    tallest = max(p.shape[-2] / p.shape[-1] for p in pictures.values())
    height = width * min(max(tallest, 0.25), 1.5) + 0.35 + 0.2 * lines
    return rows, across, height


def _columns(needed: float, most: int) -> int:
    """How many things of that width, in inches, stand side by side."""
    return max(1, min(most, int(WIDTH / (needed + GAP))))


def _width(text: str) -> float:
    """The width of a text's longest line, in inches."""
    lines = [TextPath((0, 0), t, size=FONT) for t in text.split("\n") if t]
    return max((t.get_extents().width for t in lines), default=0) / 72


def _halved(text: str) -> str:
    """A text on two lines that are as equal as its words allow.

    Sizes such as "1 × 1" count as one word.
    """
    words = re.split("(?<!×) (?!×)", text)
    halves = [
        " ".join(words[:k]) + "\n" + " ".join(words[k:])
        for k in range(1, len(words))
    ]
    return min([text, *halves], key=_width)


def _folded(text: str, width: float) -> str:
    """A text on one line if it is no wider than that, else on two."""
    return text if _width(text) <= width else _halved(text)


def _field_width(m: Tensor) -> float:
    """The width in inches of a field that holds any number of a map."""
    widest = max(_width(_number(value)) for value in m.flatten().tolist())
    return widest + 0.06


def _number(value: float) -> str:
    """A value as it is written into a field."""
    return "" if math.isnan(value) else f"{value:.3g}"


def images(
    pictures: Mapping[str, Tensor], columns: int | None = None
) -> None:
    """Show grey or colour pictures side by side.

    Args:
        pictures: title -> (h, w) or (3, h, w); bytes from 0 to 255 or
            numbers from 0 (black) to 1 (white); others are clipped.
        columns: pictures in a row at most; four if not given.

    Raises:
        ValueError: no picture, or one of another shape.
    """
    _check(pictures)
    with mpl.rc_context(STYLE):
        axes = _axes(pictures, columns)
        for ax, picture in zip(axes, pictures.values(), strict=True):
            scale = 255 if picture.dtype == torch.uint8 else 1
            values = (picture.detach().cpu() / scale).clamp(0, 1)
            if values.ndim == 3:
                values = values.permute(1, 2, 0)
            ax.imshow(values.numpy(), cmap="gray", vmin=0, vmax=1)
            _frame(ax, values.shape[:2])
        plt.show()


def heatmaps(
    maps: Mapping[str, Tensor],
    columns: int | None = None,
    numbers: bool = False,
    limit: float | None = None,
) -> None:
    """Show signed values as colours: purple below zero, orange above.

    Args:
        maps: title -> (h, w); all share one scale, white is zero.
        columns: maps in a row at most; four if not given.
        numbers: write each value into its field (for small maps).
        limit: the absolute value with full colour; the largest one if
            not given.

    Raises:
        ValueError: no map, one that is not two-dimensional, a limit
            that is not positive.
    """
    values = _signed_values(maps)
    if limit is None:
        limit = max(m.abs().max().item() for m in values.values()) or 1.0
    elif not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    with mpl.rc_context(STYLE):
        for ax, m in zip(
            _axes(values, columns, numbers), values.values(), strict=True
        ):
            _draw_map(ax, m, limit, numbers)
        plt.show()


def _signed_values(maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The maps in double precision; refuse what is no heat map."""
    _check(maps)
    if any(m.ndim != 2 for m in maps.values()):
        raise ValueError("a heat map has shape (h, w)")
    return {title: m.detach().cpu().double() for title, m in maps.items()}


def _draw_map(
    ax: plt.Axes, m: Tensor, limit: float, numbers: bool = True
) -> None:
    """One heat map with its frame, and its numbers if wanted."""
    ax.imshow(m.numpy(), cmap=SIGNED, vmin=-limit, vmax=limit)
    _frame(ax, m.shape)
    if numbers:
        _write_numbers(ax, m, limit)


def _frame(ax: plt.Axes, shape: Sequence[int]) -> None:
    """A thin outline, so that a white border remains visible."""
    _outline(ax, (0, 0), shape, "#888888", lw=1)


def _write_numbers(ax: plt.Axes, m: Tensor, limit: float) -> None:
    """Each value into its field, black or white as can be read better."""
    colours = mpl.colormaps[SIGNED]((m / limit + 1).numpy() / 2)
    for i, row in enumerate(m.tolist()):
        for j, value in enumerate(row):
            ax.text(
                j,
                i,
                _number(value),
                ha="center",
                va="center",
                color=_ink(colours[i, j]),
            )


def _ink(ground: Sequence[float]) -> str:
    """Black or white, whichever has more contrast with a colour.

    It is at least 4.5 to 1 by the definition in WCAG 2,
    https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
    """
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgb(ground)
    ]
    luminance = np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05
    return "white" if 1.05 / luminance > luminance / 0.05 else "black"


def kernels(
    weights: Mapping[str, Tensor], columns: int | None = None
) -> None:
    """Small kernels with their numbers, on one colour scale.

    Args:
        weights: title -> (k_h, k_w).
        columns: kernels in a row at most; four if not given.

    Raises:
        ValueError: no kernel, or one that is not two-dimensional.
    """
    heatmaps(weights, columns, numbers=True)


def activations(
    maps: Tensor, columns: int = 6, titles: Sequence[str] | None = None
) -> None:
    """The channels of one layer's output as small grey pictures.

    Args:
        maps: (c, h, w); each channel is scaled to its own range.
        columns: channels in a row at most.
        titles: one for each channel; their numbers if not given.

    Raises:
        ValueError: another number of dimensions or of titles.
    """
    _check_tensor("maps", maps)
    if maps.ndim != 3 or 0 in maps.shape:
        raise ValueError(f"expected (c, h, w), got {tuple(maps.shape)}")
    if titles is None:
        titles = [str(channel) for channel in range(len(maps))]
    if len(set(titles)) != len(maps):
        raise ValueError(
            f"{len(set(titles))} different titles for {len(maps)} channels"
        )
    maps = maps.detach().float()
    low = maps.amin((1, 2), keepdim=True)
    span = (maps.amax((1, 2), keepdim=True) - low).clamp(min=1e-12)
    scaled = (maps - low) / span
    images(dict(zip(titles, scaled, strict=True)), columns)


def network(
    stages: Sequence[tuple[str, Sequence[int]]], columns: int = 4
) -> None:
    """What flows through a network: stacked squares, then bars.

    Squares are to scale, eight at most for a shape; the height of a bar
    goes by the square root of n.

    Args:
        stages: (name, shape) from the image to the scores; a shape is
            (c, h, w) or (n,). Names may occur several times.
        columns: stages in a row at most.

    Raises:
        ValueError: no stage, or a shape of another length.
    """
    if not stages:
        raise ValueError("no stage to draw: the list is empty")
    for name, shape in stages:
        if len(shape) not in (1, 3) or min(shape) < 1:
            raise ValueError(
                f"{name!r} has shape {tuple(shape)}; expected (c, h, w) "
                "or (n,)"
            )
    largest = max(
        (max(shape[1:]) for _, shape in stages if len(shape) == 3),
        default=1,
    )
    longest = max(
        (shape[0] for _, shape in stages if len(shape) == 1), default=1
    )
    titles = [
        f"{name}\n{' × '.join(map(str, shape))}" for name, shape in stages
    ]
    across = _columns(max(map(_width, titles)), columns)
    rows = math.ceil(len(stages) / across)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(rows, across, squeeze=False)
        for ax in axes.flat:
            ax.axis("off")
        for ax, title, (_, shape) in zip(
            axes.flat, titles, stages, strict=False
        ):
            if len(shape) == 3:
                _draw_stack(ax, shape, largest)
            else:
                height = math.sqrt(shape[0] / longest)
                ax.add_patch(_box(0.6, 0, 0.15, height))
            ax.set_title(title)
        heights = []  # each row is as high as its tallest drawing
        for row in axes:
            drawn = [ax for ax in row if ax.patches]
            top = max(ax.dataLim.y1 for ax in drawn) + 0.05
            for ax in drawn:  # in the middle, under its title
                middle = (ax.dataLim.x0 + ax.dataLim.x1) / 2
                sides = middle - 0.725, middle + 0.725
                ax.set(xlim=sides, ylim=(-0.05, top), aspect="equal")
            heights.append(top * WIDTH / across / 1.45 + 0.6)
        axes[0, 0].get_gridspec().set_height_ratios(heights)
        figure.set_size_inches(WIDTH, sum(heights))
        plt.show()


def _draw_stack(ax: plt.Axes, shape: Sequence[int], largest: int) -> None:
    """One square for each channel, at most eight, behind each other."""
    channels = min(shape[0], 8)
    h, w = (n / largest for n in shape[1:])
    for place in reversed(range(channels)):
        offset = 0.055 * place
        ax.add_patch(_box(offset, offset, w, h))


def _box(x: float, y: float, width: float, height: float) -> plt.Rectangle:
    """A map or a vector in the diagram of a network."""
    return plt.Rectangle(
        (x, y), width, height, fc="#CCE3F1", ec=COLOURS[0], lw=1
    )


def curves(
    x: Sequence[float] | Tensor,
    series: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    log: bool = False,
    zero: bool = False,
) -> None:
    """Lines over x; several runs become a mean line with their range.

    The legend stands above the lines, where it covers none.

    Args:
        x: (n,) positions.
        series: label -> (n,) for one line or (runs, n) for several runs,
            drawn as their mean with a band from the least to the largest.
        xlabel: what x is, with its unit.
        ylabel: what the lines show, with its unit.
        log: a logarithmic vertical axis.
        zero: the vertical axis begins at zero.

    Raises:
        ValueError: no line, or one whose length is not that of x.
    """
    if not series:
        raise ValueError("no curve to draw: the dictionary is empty")
    x = torch.as_tensor(x).numpy()
    lines = {}
    for label, runs in series.items():
        _check_tensor(label, runs)
        lines[label] = torch.atleast_2d(runs.detach().cpu()).numpy()
        shape = lines[label].shape
        if len(shape) != 2 or shape[1] != len(x):
            raise ValueError(
                f"{label!r} has shape {shape}, but x has {len(x)} positions"
            )
    with mpl.rc_context(STYLE):
        line = 0.7  # inches for a legend's line and the space around it
        across = _columns(line + max(map(_width, lines)), len(lines))
        rows = math.ceil(len(lines) / across)
        figure, ax = plt.subplots(figsize=(WIDTH, 3.2 + 0.22 * rows))
        styles = ["-", "--", "-.", ":"]
        for k, (label, runs) in enumerate(lines.items()):
            line = ax.plot(x, runs.mean(0), styles[k % 4], label=label)
            if len(runs) > 1:
                ax.fill_between(
                    x,
                    runs.min(0),
                    runs.max(0),
                    color=line[0].get_color(),
                    alpha=0.2,
                    lw=0,
                )
        ax.set_xlabel(_folded(xlabel, 0.8 * WIDTH))
        ax.set_ylabel(_folded(ylabel, 2.2))
        if np.array_equal(x, x.round()):  # such as epochs
            ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_yscale("log" if log else "linear")
        if zero:
            ax.set_ylim(bottom=0)
        figure.legend(loc="outside upper left", ncols=across)
        plt.show()


def bars(
    values: Mapping[str, float | Sequence[float]], xlabel: str
) -> None:
    """Horizontal bars with their numbers, from top to bottom.

    Args:
        values: label -> length, or several lengths: their mean is drawn
            with their standard deviation as an error line.
        xlabel: what the bars show, with its unit.

    Raises:
        ValueError: no bar.
    """
    if not values:
        raise ValueError("no bar to draw: the dictionary is empty")
    runs = [np.atleast_1d(lengths) for lengths in values.values()]
    errors = [r.std(ddof=1) if len(r) > 1 else 0.0 for r in runs]
    labels = [_folded(label, WIDTH / 3) for label in values]
    lines = sum(1 + label.count("\n") for label in labels)
    with mpl.rc_context(STYLE):
        _, ax = plt.subplots(
            figsize=(WIDTH, 0.7 + 0.18 * len(values) + 0.22 * lines)
        )
        drawn = ax.barh(
            labels,
            [r.mean() for r in runs],
            xerr=errors if any(errors) else None,
            height=0.65,
        )
        ax.bar_label(drawn, fmt="%.3g", padding=4)
        ax.set_ylim(len(values) - 0.5, -0.5)  # from top to bottom
        ax.margins(x=0.25)  # room for the numbers
        ax.locator_params(axis="x", nbins=3)
        ax.set_xlabel(_folded(xlabel, 0.6 * WIDTH))
        plt.show()


def animation(
    draw: Callable[[int], None],
    frames: int,
    alt: str,
    size: tuple[float, float] = (WIDTH, 2.4),
    seconds: float = 0.8,
) -> None:
    """A still picture, and the motion for those who open it.

    The last frame is shown as a picture (it prints). Under it a closed
    ``<details>`` holds the motion as a GIF, without any script.

    Args:
        draw: draws frame number 0, 1, ... into the current figure.
        frames: how many there are.
        alt: what is seen, for readers who cannot see it.
        size: width and height in inches.
        seconds: how long each frame stays.

    Raises:
        ValueError: no frame, no alternative text, or a GIF above 300 kB.
    """
    if frames < 1:
        raise ValueError(f"an animation needs frames, got {frames}")
    if len(alt) < 20:
        raise ValueError(f"alternative text says too little: {alt!r}")
    pictures = []
    with mpl.rc_context(STYLE):
        for number in range(frames):
            figure = plt.figure(figsize=size)
            draw(number)
            pictures.append(_picture(figure))
            if number < frames - 1:
                plt.close(figure)
        plt.show()
    gif = io.BytesIO()
    pictures[0].save(
        gif,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=int(1000 * seconds),
        loop=0,
    )
    if len(gif.getvalue()) > 300_000:
        raise ValueError(
            f"the GIF has {len(gif.getvalue())} bytes, 300,000 are "
            "allowed: draw fewer frames or a smaller figure"
        )
    data = base64.b64encode(gif.getvalue()).decode()
    display(
        HTML(
            '<details class="motion"><summary>Show the motion</summary>'
            f'<img alt="{escape(alt)}" src="data:image/gif;base64,{data}">'
            "</details>"
        )
    )


def changing_heatmaps(
    frames: Sequence[Mapping[str, Tensor]], alt: str
) -> None:
    """Heat maps with numbers, one below another, that change in steps.

    Args:
        frames: for each step title -> (h, w), as in `heatmaps`; all steps
            have equally many maps, and all share one scale.
        alt: what is seen, for readers who cannot see it.

    Raises:
        ValueError: no frame, or steps with different numbers of maps; as
            `heatmaps` and `animation`.
    """
    if len({len(maps) for maps in frames}) != 1:
        raise ValueError("give at least one frame, all with as many maps")
    values = [_signed_values(maps) for maps in frames]
    every = [m for maps in values for m in maps.values()]
    limit = max(m.abs().max().item() for m in every) or 1.0
    wide = max(0.6, *map(_field_width, every))
    field = min(WIDTH / max(m.shape[1] for m in every), wide)
    heights = [
        max(m.shape[0] for m in row) * field + 0.45
        for row in zip(*(maps.values() for maps in values), strict=True)
    ]

    def draw(step: int) -> None:
        rows = plt.gcf().subplots(
            len(heights), 1, height_ratios=heights, squeeze=False
        )
        maps = values[step]
        for ax, m in zip(_titled(rows, maps), maps.values(), strict=True):
            _draw_map(ax, m, limit)
            middle, half = (m.shape[1] - 1) / 2, WIDTH / field / 2
            ax.set_xlim(middle - half, middle + half)  # equal fields

    animation(draw, len(frames), alt, size=(WIDTH, sum(heights)))


def sliding_window(
    X: Tensor,
    K: Tensor,
    alt: str,
    padding: Sequence[int] = (0, 0),
    stride: Sequence[int] = (1, 1),
) -> None:
    """Cross-correlate step by step: image, kernel, output so far.

    Args:
        X: (h, w) small image.
        K: (k_h, k_w) kernel.
        alt: what is seen, for readers who cannot see it.
        padding: rows and columns of zeros per side; a broken line then
            shows where the image begins.
        stride: how far the window moves down and to the right.

    Raises:
        ValueError: shapes that `helpers.ops.corr2d` refuses.
    """
    (rows, columns), (down, right) = padding, stride
    padded = F.pad(X, (columns, columns, rows, rows))
    Y = corr2d(padded, K)[::down, ::right].double()

    widths = [m.shape[1] for m in (padded, K, Y)]  # equal fields
    field = WIDTH / (sum(widths) + 1)
    height = max(m.shape[0] for m in (padded, K, Y)) * field + 0.4

    def draw(step: int) -> None:
        i, j = divmod(step, Y.shape[1])
        so_far = torch.full_like(Y, torch.nan)
        so_far.view(-1)[: step + 1] = Y.flatten()[: step + 1]
        parts = {"image": padded, "kernel": K, "output": so_far}
        axes = plt.gcf().subplots(1, 3, width_ratios=widths)
        for ax, (title, m) in zip(axes, parts.items(), strict=True):
            whole = Y if title == "output" else m  # one scale throughout
            limit = whole.abs().max().item() * 1.6 or 1.0
            _draw_map(ax, m, limit)
            ax.set_title(title)
            ax.axis("off")
        if rows or columns:
            _outline(axes[0], (rows, columns), X.shape, "grey", ls="--")
        _outline(axes[0], (i * down, j * right), K.shape, COLOURS[0])
        _outline(axes[2], (i, j), (1, 1), COLOURS[0])

    animation(draw, Y.numel(), alt, size=(WIDTH, height))


def _outline(
    ax: plt.Axes,
    corner: Sequence[int],
    shape: Sequence[int],
    colour: str,
    lw: float = 3,
    ls: str = "-",
) -> None:
    """Frame some fields of a grid; corner and shape are (rows, columns)."""
    (top, left), (h, w) = corner, shape
    ax.add_patch(
        plt.Rectangle(
            (left - 0.5, top - 0.5),
            w,
            h,
            fill=False,
            ec=colour,
            lw=lw,
            ls=ls,
        )
    )


def _picture(figure: plt.Figure) -> Image.Image:
    """A figure as a picture with few colours, so that a GIF stays small."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    picture = Image.open(png).convert("RGB")
    return picture.quantize(64, dither=Image.Dither.NONE)


def show_source(function: Callable) -> None:
    """The source of a function of the helpers, highlighted.

    Args:
        function: anything that `inspect.getsource` finds.
    """
    source = inspect.getsource(function).rstrip()
    display(Markdown(f"```python\n{source}\n```"))
