"""Fingerprints of source code, and records of long trainings.

A notebook's outputs are fresh as long as the fingerprint of its code is
the one under which they were made. A fingerprint is taken of syntax trees:
comments, docstrings and layout do not count, and it is the same under every
version of Python that can run the code.

A training of more than a minute is kept as a record in
``runs/<section>.json`` beside its notebook, under a key of its settings,
of the model as it prints itself, and of the code of `helpers.data` and
`helpers.training`. What else decides its result, such as how first weights
are drawn, belongs into the settings. `recorded` reads the record if there
is one and trains otherwise. It writes only when the environment variable
BOOK_REFRESH is 1, which ``scripts/refresh_outputs.py`` sets: a reader who
trains anew, or a quick run with smaller settings, leaves the committed
records alone.
"""

import ast
import functools
import hashlib
import inspect
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from helpers.data import Images

__all__ = [
    "device_name",
    "digest",
    "fingerprint",
    "module_sources",
    "modules_used",
    "recorded",
    "runs",
    "stale",
]

HELPERS = Path(__file__).parent


@functools.cache  # a page asks for every seed
def fingerprint(*sources: str) -> str:
    """Sixteen hexadecimal digits that change when the code changes.

    Comments, docstrings and layout are no part of it.

    Args:
        sources: Python code, one string per file or cell.

    Raises:
        SyntaxError: if a source is not Python.

    """
    return digest(*(_plain(ast.parse(source)) for source in sources))


def module_sources(names: Iterable[str]) -> list[str]:
    """Sources of the modules of helpers called names, as far as they exist.

    A name without a module gives nothing, so that ``from helpers import
    __version__`` and the like do no harm.
    """
    files = [HELPERS / f"{name}.py" for name in names]
    return [f.read_text(encoding="utf-8") for f in files if f.is_file()]


def modules_used(*sources: str) -> list[str]:
    """Names of the modules of helpers that the sources import, sorted.

    Modules that are imported by those modules count as well. ``plots`` and
    what only ``plots`` imports do not: a figure's look changes no result.
    """
    used: set[str] = set()
    waiting = list(sources)
    while waiting:
        new = _imported(ast.parse(waiting.pop())) - used - {"plots"}
        used |= new
        waiting += module_sources(new)
    return sorted(used)


def device_name() -> str:
    """The name of the GPU, or for example "CPU, 2 threads"."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread" + ("s" if threads > 1 else "")


def recorded(
    section: str,
    settings: dict[str, Any],
    model: object,
    train: Callable[[], dict[str, Any]],
    *,
    retrain: bool = False,
    folder: str | Path = "runs",
) -> dict[str, Any]:
    """The record of a training: read if it is there, trained otherwise.

    Prints one line that says which of the two happened. Records are written
    only when the environment variable BOOK_REFRESH is 1.

    Args:
        section: the section's number, such as "7.6"; names the file.
        settings: all that decides the result besides model and code, with
            the "seed"; must survive JSON.
        model: the model, freshly built; its printed structure is part of
            the key.
        train: trains the model and returns its history, a dictionary that
            survives JSON.
        retrain: train even if there is a record.
        folder: where the records are; relative to the working directory,
            which is a notebook's own folder.

    Returns:
        A dictionary with "settings", "model" (its printed structure),
        "history", "device" and "minutes".

    Raises:
        ValueError: if settings have no seed, or the file is not JSON.
        TypeError: if settings or history cannot be written as JSON.

    """
    record, was_read = _read_or_train(
        section, settings, model, train, retrain, folder
    )
    what = "read from the record" if was_read else "trained anew"
    print(f"{what} ({record['device']}, {record['minutes']} minutes)")
    return record


def runs(
    section: str,
    build: Callable[[], "nn.Module"],
    images: "Images",
    seeds: Iterable[int],
    *,
    variant: str = "",
    look: Callable[["nn.Module"], dict[str, Any]] | None = None,
    retrain: bool = False,
    folder: str | Path = "runs",
    progress: bool = True,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Train the same network with several seeds, or read the records.

    Each seed has a record of its own (see `recorded`), whose key also
    holds the name of the images, how many there are and a digest of
    their labels. Prints a line if it trains; that records are read is
    said once in a program, since a page reads many.

    Args:
        section: as in `recorded`.
        build: builds the network; PyTorch is seeded before each call.
        images: what `helpers.data.load` returns, or a part of it.
        seeds: for the initial weights and all that is random in training.
        variant: what tells the network from others and does not show in
            its printed structure, such as how its weights are drawn.
        look: is called with each trained network; what it returns joins
            the history.
        retrain: as in `recorded`.
        folder: as in `recorded`.
        progress: as in `helpers.training.fit`.
        settings: of `helpers.training.fit`; those left out count as its
            default values. What ``augment`` does must stand in
            `helpers.training`, since the record keeps no more than its
            name.

    Returns:
        A history for each seed, as `helpers.training.fit` returns it.

    Raises:
        ValueError: no seed; also as `recorded` and
            `helpers.training.fit`.
        TypeError: as `recorded`.

    """
    import torch

    from helpers import training

    key = {
        **_defaults(training.fit),
        **settings,
        "images": _identity(images),
        "variant": variant,
    }
    if key["augment"] is not None:
        key["augment"] = key["augment"].__name__
    found, anew = [], []
    for seed in seeds:
        torch.manual_seed(seed)
        model = build()

        def train(model=model, seed=seed):
            history = training.fit(
                model, images, seed=seed, progress=progress, **settings
            )
            return {**history, **(look(model) if look else {})}

        record, was_read = _read_or_train(
            section, {**key, "seed": seed}, model, train, retrain, folder
        )
        found.append(record)
        if not was_read:
            anew.append(record)
    if not found:
        raise ValueError("no seed is given")
    if anew:
        minutes = sum(record["minutes"] for record in anew)
        print(
            f"trained anew: {len(anew)} of {len(found)} runs "
            f"({anew[0]['device']}, {minutes:.1f} minutes)"
        )
    else:
        _say_once(f"read from the record: {Path(folder) / section}.json")
    return [record["history"] for record in found]


def stale(path: str | Path) -> list[str]:
    """Keys in a file of records that today's code would not give.

    Raises:
        ValueError: if the file is not JSON.

    """
    return [
        key
        for key, record in _read(Path(path)).items()
        if key != _key(record["settings"], record["model"])
    ]


def digest(*texts: str) -> str:
    """Sixteen hexadecimal digits that change when a text changes."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _plain(node: object) -> str:
    """A syntax tree as text: no positions, no docstrings, no empty fields.

    `ast.dump` will not do: it names fields that came with later versions.
    """
    if isinstance(node, list):
        return "[" + ", ".join(_plain(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if name == "body" and _starts_with_docstring(node):
            value = value[1:]
        # "kind" tells u"text" from "text".
        if value is not None and value != [] and name != "kind":
            fields.append(f"{name}={_plain(value)}")
    return f"{type(node).__name__}({', '.join(fields)})"


def _starts_with_docstring(node: ast.AST) -> bool:
    """Whether a string, followed by something, opens a module or body.

    A lone string counts as code: a notebook's cell shows it.
    """
    documented = (
        ast.Module,
        ast.ClassDef,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
    )
    return (
        isinstance(node, documented)
        and len(node.body) > 1
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    )


def _imported(tree: ast.Module) -> set[str]:
    """Modules of helpers that a notebook or a module of helpers imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = "helpers" if node.level else ""
            module = ".".join(filter(None, (package, node.module)))
            names |= {f"{module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {p[1] for p in parts if p[0] == "helpers" and len(p) > 1}


@functools.cache
def _say_once(line: str) -> None:
    print(line)


def _key(settings: dict[str, Any], model: str) -> str:
    code = fingerprint(*module_sources(["data", "training"]))
    return digest(json.dumps(settings, sort_keys=True), model, code)


def _read_or_train(
    section: str,
    settings: dict[str, Any],
    model: object,
    train: Callable[[], dict[str, Any]],
    retrain: bool,
    folder: str | Path,
) -> tuple[dict[str, Any], bool]:
    """The record, and whether it was read; else it is made by training."""
    if "seed" not in settings:
        raise ValueError(f"no seed among the settings {sorted(settings)}")
    path = Path(folder) / f"{section}.json"
    structure = str(model)  # before training: it gives lazy layers a size
    key = _key(settings, structure)
    records = _read(path)
    if key in records and not retrain:
        return records[key], True

    start = time.perf_counter()
    history = train()
    record = {
        "settings": settings,
        "model": structure,
        "history": history,
        "device": device_name(),
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }
    # What a reader gets from a training is what the file would give.
    record = json.loads(json.dumps(record))
    if os.environ.get("BOOK_REFRESH") == "1":
        _write(path, {**_read(path), key: record})
    return record, False


def _defaults(fit: Callable[..., Any]) -> dict[str, Any]:
    """The settings of a training that is told nothing."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(fit).parameters.items()
        if parameter.default is not parameter.empty
        and name not in ("checkpoint", "progress", "seed")
    }


def _identity(images: "Images") -> dict[str, Any]:
    """What tells a data set, or a part of it, from another."""
    labels = images.train_labels.tolist(), images.test_labels.tolist()
    return {
        "name": images.name,
        "train": len(labels[0]),
        "test": len(labels[1]),
        "labels": digest(json.dumps(labels)),
    }


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"the records in {path} are not JSON ({error}): restore or "
            "remove the file"
        ) from error


def _write(path: Path, records: dict[str, Any]) -> None:
    """Replace the file in one step: stopped at any time, it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    text = json.dumps(records, indent=1, sort_keys=True) + "\n"
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
