"""Train a network of the book from the command line.

One process, on the GPU if there is one:

  python -m helpers.train resnet18 --size 96 --epochs 10 --out runs/x

Several processes on one machine, here one for each of two GPUs (without
a GPU: two on the CPU):

  torchrun --nproc-per-node 2 -m helpers.train resnet18 --out runs/x

Several machines, here two; the same line on each, with the name of one
of them for HOST, and for --out a folder that all of them share:

  torchrun --nnodes 2 --nproc-per-node 2 --rdzv-backend c10d \\
    --rdzv-endpoint HOST:29500 -m helpers.train resnet18 --out /shared/x

On GPUs `accelerate launch -m helpers.train ...` does the same, as
`accelerate config` has set it up. On CPUs `accelerate launch --cpu` starts
one process only: take torchrun there.

In the folder --out, which is made if need be, the run keeps

  settings.json  the settings below
  checkpoint.pt  after each epoch: all that --resume needs, and "history"
  history.json   in the end: losses, accuracies and seconds by epoch
  curve.png      in the end: losses and accuracies as lines
  model.pt       in the end: the weights, for models.build(NETWORK)

A run that was stopped or killed goes on with the same line and --resume:
at most one epoch is lost, and the result is that of a run without a break
(with as many processes as before).

A batch is shared among the processes, so what is learned does not depend
on their number, up to rounding (which may grow from epoch to epoch), with
three exceptions. Batch normalisation takes mean and variance over the
part of the batch that its process has. Augmentation and dropout draw
other random numbers. And if the batch size does not divide the number of
training images, several processes fill the last batch of an epoch up with
images of the first.
History and evaluation count each image once all the same.

The exit status is 2 if something on the command line must be changed, 130
after Ctrl-C and 1 after another error.
"""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from helpers import data, models, training

__all__ = ["main"]

AUGMENTATIONS = {"flip": training.flip, "shift": training.shift}
FILES = (
    "settings.json",
    "checkpoint.pt",
    "history.json",
    "curve.png",
    "model.pt",
)
REFUSALS = (
    ValueError,
    OSError,
    data.DataError,
    torch.cuda.OutOfMemoryError,
)

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as these arguments say; those of the command line if None.

    One of several processes does not return: it ends.

    Raises:
        SystemExit: after an error that its user can mend, which is one
            line on standard error, or after Ctrl-C.
    """
    try:
        _run(_parser().parse_args(arguments))
        status = 0
    except (Exception, KeyboardInterrupt) as error:
        # When one process ends in an error, the launcher ends the others
        # of its machine. So the first one speaks for all; another one
        # speaks if the first has no error.
        time.sleep(5 * int(os.environ.get("LOCAL_RANK", "0")))
        if isinstance(error, KeyboardInterrupt):
            print("error: stopped; --resume goes on", file=sys.stderr)
            status = 130
        elif isinstance(error, REFUSALS):
            print("error:", *str(error).split(), file=sys.stderr)
            status = 2 if isinstance(error, ValueError) else 1
        else:
            raise
    _end(status)


def _run(arguments: argparse.Namespace) -> None:
    """Check, train and write what came out."""
    settings = vars(arguments).copy()
    out, resume = settings.pop("out"), settings.pop("resume")
    checkpoint = out / "checkpoint.pt"
    other = ("network", "data", "augment")  # fit takes all but these
    chosen = {k: v for k, v in settings.items() if k not in other}
    if "LOCAL_RANK" in os.environ and not torch.cuda.is_available():
        # accelerate does not join processes on the CPU unless told so.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    team = Accelerator(mixed_precision="no")
    if arguments.batch_size % team.num_processes:
        raise ValueError(
            f"--batch-size {arguments.batch_size} cannot be shared evenly: "
            f"give a multiple of the {team.num_processes} processes"
        )
    first, first_here = team.is_main_process, team.is_local_main_process
    new = _together(first, partial(_open, out, settings, resume)) or []
    try:
        load = partial(data.load, arguments.data)
        images = _together(first_here, load)  # downloads once a machine
        images = _together(not first_here, load) or images
        torch.manual_seed(arguments.seed)
        model = models.build(
            arguments.network, num_classes=len(images.class_names)
        )
        _together(True, partial(_check_shared, checkpoint))
        if first:
            print(
                f"{arguments.network} on {arguments.data}, processes: "
                f"{team.num_processes}, device: {team.device.type}",
                flush=True,
            )
        history = training.fit(
            model,
            images,
            augment=_augmentation(arguments.augment),
            checkpoint=checkpoint,
            **chosen,
        )
    except Exception:
        if not checkpoint.exists():
            _remove(new)
        raise
    _together(first, partial(_finish, out, history, model.state_dict()))


def _end(status: int) -> None:
    """End with this exit status; after 0 a single process may go on.

    One of several processes ends without Python's tidying up. PyTorch's
    DistributedDataParallel keeps the threads that talk to the others, and
    one that still holds a tensor while Python ends would abort it, with
    "terminate called without an active exception" (what happens is told
    in github.com/pytorch/pytorch/pull/179291).
    """
    if torch.distributed.is_initialized():
        if status == 0:  # after an error the others may not answer
            torch.distributed.destroy_process_group()
        sys.stdout.flush()
        os._exit(status)
    if status:
        sys.exit(status)


def _together(mine: bool, act: Callable[[], T]) -> T | None:
    """Act in the processes whose turn it is, and go on together.

    Returns:
        What act returned; None where it was not this process's turn.

    Raises:
        Exception: an error of act, in every process.
    """
    result = error = None
    if mine:
        try:
            result = act()
        except REFUSALS as caught:
            error = caught
    for found in gather_object([error]):
        if found is not None:
            raise found
    return result


def _open(out: Path, settings: dict[str, Any], resume: bool) -> list[Path]:
    """Make the folder of a new run, or find the run to go on with.

    Returns:
        What was made, the last first.

    Raises:
        ValueError: the folder cannot be made, or holds a run without
            resume; with resume: it holds none, or one with other
            settings.
    """
    path = out / "settings.json"
    if resume:
        _compare(path, settings)
        return []
    if any((out / name).exists() for name in FILES):
        raise ValueError(
            f"{out} holds a run already: add --resume to go on with it, or "
            "name another folder with --out"
        )
    new = [path, *(f for f in (out, *out.parents) if not f.exists())]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(settings, indent=1).encode())
    except OSError as error:
        _remove(new)
        raise ValueError(
            f"the folder {out} cannot be made or written "
            f"({error.strerror}): name another one with --out"
        ) from error
    return new


def _compare(path: Path, settings: dict[str, Any]) -> None:
    """Refuse other settings than those in this file."""
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{path.parent} holds no run to go on with: leave out --resume "
            "to start one, or name the right folder with --out"
        ) from None
    except (TypeError, ValueError):
        raise ValueError(
            f"{path} is damaged: name another folder with --out"
        ) from None
    differences = [
        f"{name} is {found.get(name)!r} there and {value!r} here"
        for name, value in settings.items()
        if found.get(name) != value
    ]
    if differences:
        raise ValueError(
            f"{path.parent} holds a run with other settings: "
            f"{'; '.join(differences)}. Give the same settings, or name "
            "another folder with --out"
        )


def _check_shared(checkpoint: Path) -> None:
    """Refuse a checkpoint that some processes see and others don't."""
    if len(set(gather_object([checkpoint.exists()]))) > 1:
        raise ValueError(
            f"some processes do not find {checkpoint}: with --out name a "
            "folder that all machines share, by the same name"
        )


def _remove(paths: list[Path]) -> None:
    """Remove files and empty folders; leave what is in use."""
    for path in paths:
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _augmentation(names: list[str]) -> training.Augment | None:
    """Return these augmentations as one; None if there are none."""
    steps = [AUGMENTATIONS[name] for name in names if name != "none"]

    def augment(X: Tensor) -> Tensor:
        for step in steps:
            X = step(X)
        return X

    return augment if steps else None


def _finish(
    out: Path, history: dict[str, list[float]], weights: dict[str, Tensor]
) -> None:
    """Write history, curve and weights."""
    model = io.BytesIO()
    torch.save({name: w.cpu() for name, w in weights.items()}, model)
    _write(out / "history.json", json.dumps(history, indent=1).encode())
    _write(out / "curve.png", _curve(history))
    _write(out / "model.pt", model.getvalue())
    print(f"{out}: history.json, curve.png, model.pt")


def _curve(history: dict[str, list[float]]) -> bytes:
    """Draw losses and accuracies over the epochs, as PNG."""
    import matplotlib as mpl

    mpl.use("agg")  # draws without a screen, and nothing is shown
    from matplotlib import pyplot as plt

    from helpers import plots

    lines = {
        name.replace("_", " "): torch.tensor(values)
        for name, values in history.items()
        if name != "seconds"
    }
    epochs = range(1, len(history["seconds"]) + 1)
    plots.curves(epochs, lines, "epoch", "loss, accuracy")
    for line in plt.gca().lines:
        line.set_marker(".")  # a single epoch is a point
    picture = io.BytesIO()
    plt.savefig(picture, format="png")
    plt.close()
    return picture.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step: at any time it is whole."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    os.replace(draft, path)


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to `main` to report errors."""

    def error(self, message: str) -> None:
        """Raise what is wrong with the command line, as ValueError."""
        raise ValueError(f"{message} (--help explains all arguments)")


def _whole(least: int, text: str) -> int:
    """Read a whole number that PyTorch can take."""
    if not text.isdecimal() or not least <= int(text) < 2**63:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from {least} on, not {text!r}"
        )
    return int(text)


def _parser() -> Parser:
    """Describe the command line."""
    parser = Parser(
        prog="python -m helpers.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    count = partial(_whole, 1)
    networks, names = tuple(models.NETWORKS), (*data.SOURCES, "digits")
    default = "(default: %(default)s)"
    text = "one of %(choices)s"
    add("network", choices=networks, metavar="network", help=text)
    text = "where the run is kept; required"
    add("--out", type=Path, required=True, metavar="FOLDER", help=text)
    text = "go on with the run in FOLDER, with the same settings"
    add("--resume", action="store_true", help=text)
    text = f"digits needs no download {default}"
    add("--data", choices=names, default="fashion-mnist", help=text)
    add("--epochs", type=count, default=10, metavar="N", help=default)
    text = f"images a step, all processes together {default}"
    add("--batch-size", type=count, default=128, metavar="N", help=text)
    text = f"constant, or the highest of the cycle {default}"
    add("--learning-rate", type=float, default=0.1, metavar="X", help=text)
    names = tuple(training.OPTIMIZERS)
    add("--optimizer", choices=names, default="sgd", help=default)
    names, text = training.SCHEDULES, f"of the learning rate {default}"
    add("--schedule", choices=names, default="constant", help=text)
    add(
        "--weight-decay", type=float, default=0.0, metavar="X", help=default
    )
    names = ("none", *AUGMENTATIONS)
    text = (
        "change training images at random, in this order; several names "
        "may follow, so put it after the network (default: none)"
    )
    add("--augment", nargs="+", choices=names, default=["none"], help=text)
    text = (
        "resize images to this height and width, as a network may need: "
        "lenet 12, alexnet 65, vgg 32 or more (default: leave them)"
    )
    add("--size", type=count, metavar="PIXELS", help=text)
    text = f"of the weights and of all that is random {default}"
    add(
        "--seed", type=partial(_whole, 0), default=0, metavar="N", help=text
    )
    text = "compute in bfloat16; weights stay in float32"
    add("--bf16", action="store_true", help=text)
    return parser


if __name__ == "__main__":
    main()
