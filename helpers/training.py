"""Training and evaluation of an image classifier.

`fit` is a plain loop on Hugging Face's accelerate, which finds the device
and lets several processes work together when they are started with
``torchrun`` or ``accelerate launch``.

All that is random in an epoch (the order of the images, augmentation,
dropout) is seeded by the seed and the epoch's number. So the same seed
gives the same numbers on the same machine, and a training that goes on
from a checkpoint gives what it would have given without a break. (Some of
PyTorch's operations on a GPU give slightly different numbers each time.)
"""

import hashlib
import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from numpy.random import SeedSequence
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR, OneCycleLR
from torch.utils.data import DataLoader

from helpers.data import Images
from helpers.summary import evaluation

with warnings.catch_warnings():
    # In a notebook its progress bars, unused here, ask for ipywidgets.
    warnings.filterwarnings("ignore", "IProgress not found")
    from accelerate import Accelerator, DataLoaderConfiguration

__all__ = ["evaluate", "fit", "flip", "shift"]

OPTIMIZERS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
SCHEDULES = ("constant", "one-cycle")
HISTORY = (
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
)

Augment = Callable[[Tensor], Tensor]


@torch.random.fork_rng(devices=[])  # random numbers go on as before
def fit(
    model: nn.Module,
    images: Images,
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 0.1,
    seed: int = 0,
    size: int | None = None,
    optimizer: str = "sgd",
    schedule: str = "constant",
    weight_decay: float = 0.0,
    augment: Augment | None = None,
    bf16: bool = False,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> dict[str, list[float]]:
    """Train a model in place to tell the classes of images apart.

    The loss is the cross-entropy. The initial weights are the caller's
    choice: seed PyTorch, then build the model, anew for each training.
    Lazy layers take their shapes from the first image. The model ends in
    evaluation mode, on the device that accelerate finds, in the memory
    format channels last. PyTorch's random numbers (on the CPU) go on after
    the call as if it had drawn none.

    Args:
        model: from images (b, 1, h, w) to scores (b, classes).
        images: what `helpers.data.load` returns.
        epochs: how often each training image is seen.
        batch_size: images a step, over all processes together.
        learning_rate: constant, or the highest of the cycle.
        seed: fixes all that is random in training.
        size: height and width in pixels to which images are resized.
        optimizer: "sgd" (without momentum) or "adamw".
        schedule: "constant", or "one-cycle": up during the first 30 % of
            the steps, then down to almost 0, both along a cosine (after
            Smith, Topin, Super-convergence, 2019).
        weight_decay: of all parameters, as the optimizer defines it.
        augment: changes a training batch (b, 1, h, w) at random, drawing
            from PyTorch's global generator; `flip` and `shift` are two.
            Test images stay as they are.
        bf16: compute convolutions and matrix products in bfloat16; the
            weights stay in float32.
        checkpoint: a file, written after each epoch. If it is there, the
            training goes on where it was.
        progress: show a line that is updated in place; in the end it
            holds the result.

    Returns:
        Lists with one number per epoch. "train_loss" and
        "train_accuracy" are means over the epoch, while the model learns;
        "test_loss" and "test_accuracy" are measured after it; "seconds"
        count both.

    Raises:
        ValueError: a setting without sense; a loss that is not finite; a
            checkpoint that is damaged or of another training: another
            model, other initial weights, images or settings.
    """
    _check_settings(
        epochs, learning_rate, seed, optimizer, schedule, weight_decay
    )
    accelerator = _accelerator()
    device, rank = accelerator.device, accelerator.process_index
    train = images.batches("train", batch_size, size, True, seed, device)
    test = images.batches("test", batch_size, size, False, seed, device)
    order = train.generator  # draws the order of the training images

    model.to(device)
    with evaluation(model):
        model(train.dataset[0][0].unsqueeze(0))  # lazy layers take shape
    model.to(memory_format=torch.channels_last)
    updates = OPTIMIZERS[optimizer](
        model.parameters(), lr=learning_rate, weight_decay=weight_decay
    )
    if schedule == "one-cycle":
        rates = OneCycleLR(
            updates,
            max_lr=learning_rate,
            total_steps=epochs * len(train),
            cycle_momentum=False,
        )
    else:
        rates = ConstantLR(updates, factor=1.0)
    history = {name: [] for name in HISTORY}
    if checkpoint is not None:
        checkpoint = Path(checkpoint)
        settings = {
            "model": _digest(str(model)),
            "initial weights": _digest(*model.state_dict().values()),
            "training images": _digest(
                images.train_images, images.train_labels
            ),
            "test images": _digest(images.test_images, images.test_labels),
            "augmentation": augment and _effect(augment, train),
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "seed": seed,
            "size": size,
            "optimizer": optimizer,
            "schedule": schedule,
            "weight_decay": weight_decay,
            "bf16": bf16,
        }
        parts = {"model": model, "updates": updates, "rates": rates}
        if checkpoint.exists():
            history = _load(checkpoint, settings, parts)

    network, updates, train, test = accelerator.prepare(
        model, updates, train, test
    )
    line = ProgressLine(progress and accelerator.is_main_process)
    for epoch in range(len(history["seconds"]) + 1, epochs + 1):
        start = time.perf_counter()
        order.manual_seed(_seed(seed, epoch))
        torch.manual_seed(_seed(seed, epoch, 1 + rank))
        network.train()
        sums = torch.zeros(3, dtype=torch.float64)
        for batch, (X, y) in enumerate(train, 1):
            if augment is not None:
                X = augment(X)
            scores = _scores(network, X, bf16)
            loss = F.cross_entropy(scores, y)
            sums += _sums(accelerator, scores, y)
            _check_finite(sums[0], epoch, batch, learning_rate)
            updates.zero_grad()
            accelerator.backward(loss)
            updates.step()
            rates.step()
            line.show(
                f"epoch {epoch} of {epochs}, batch {batch} of "
                f"{len(train)}, loss {sums[0] / sums[2]:.3f}"
            )
        tested = _measure(accelerator, network, test, bf16)
        _check_finite(tested["loss"], epoch, len(train), learning_rate)
        loss, accuracy = (sums[:2] / sums[2]).tolist()
        seconds = time.perf_counter() - start
        row = [loss, accuracy, *tested.values(), seconds]
        for name, value in zip(HISTORY, row, strict=True):
            history[name].append(value)
        if checkpoint is not None and accelerator.is_main_process:
            _save(checkpoint, settings, parts, history)
    model.eval()
    line.show(
        f"{epochs} epochs, loss {history['train_loss'][-1]:.3f}, "
        f"test accuracy {history['test_accuracy'][-1]:.3f}",
        last=True,
    )
    return history


def evaluate(
    model: nn.Module,
    images: Images,
    split: str = "test",
    *,
    batch_size: int = 128,
    size: int | None = None,
    bf16: bool = False,
) -> dict[str, float]:
    """Measure a model on a split, with the images as in training.

    The model is moved to the device that accelerate finds; the modes of
    its modules and PyTorch's random numbers stay as they were.

    Args:
        model: from images (b, 1, h, w) to scores (b, classes).
        images: what `helpers.data.load` returns.
        split: "train" or "test".
        batch_size: images at a time, over all processes together.
        size: as in `fit`.
        bf16: as in `fit`.

    Returns:
        "loss", the mean cross-entropy, and "accuracy", from 0 to 1.

    Raises:
        ValueError: another split, a batch size or size below 1.
    """
    accelerator = _accelerator()
    loader = images.batches(
        split, batch_size, size, False, 0, accelerator.device
    )
    model.to(accelerator.device)
    return _measure(accelerator, model, accelerator.prepare(loader), bf16)


def flip(X: Tensor) -> Tensor:
    """Mirror images (b, c, h, w) left to right, each with probability 1/2.

    Each is drawn by itself, so it need not be half of them.
    """
    mirrored = torch.rand(len(X), 1, 1, 1, device=X.device) < 0.5
    return torch.where(mirrored, X.flip(3), X)


def shift(X: Tensor, most: int = 2) -> Tensor:
    """Shift each image (b, c, h, w) by up to `most` pixels both ways.

    Rows and columns are drawn for each image, all shifts alike. What
    moves in from outside is 0.
    """
    b, _, h, w = X.shape
    padded = F.pad(X, [most] * 4)
    start = torch.randint(2 * most + 1, (2, b, 1), device=X.device)
    rows = start[0] + torch.arange(h, device=X.device)
    columns = start[1] + torch.arange(w, device=X.device)
    image = torch.arange(b, device=X.device)[:, None, None]
    # An index between slices moves to the front: (b, h, w, c).
    Y = padded[image, :, rows[:, :, None], columns[:, None, :]]
    return Y.permute(0, 3, 1, 2)


class ProgressLine:
    """A line of text that is updated in place.

    In a notebook it is one output, in a terminal one line. Elsewhere, as
    in a log file, only the last text is printed.
    """

    def __init__(self, visible: bool):
        """Show nothing yet, and nothing ever if not visible."""
        self.visible = visible
        self.output = None  # in a notebook
        self.due = 0.0

    def show(self, text: str, last: bool = False) -> None:
        """Replace the text, at most twice a second but for the last."""
        if not self.visible or (time.monotonic() < self.due and not last):
            return
        from IPython import display, get_ipython

        self.due = time.monotonic() + 0.5
        if hasattr(get_ipython(), "kernel"):
            plain = {"text/plain": text}
            if self.output is None:
                self.output = display.display(
                    plain, raw=True, display_id=True
                )
            else:
                self.output.update(plain, raw=True)
        elif sys.stdout.isatty():
            end = "\n" if last else ""
            print(f"\r{text:60}", end=end, flush=True)
        elif last:
            print(text)


def _accelerator() -> Accelerator:
    """Find device and processes; a batch is shared among processes."""
    return Accelerator(
        mixed_precision="no",  # `_scores` does that
        dataloader_config=DataLoaderConfiguration(split_batches=True),
    )


def _seed(*parts: int) -> int:
    """Make one seed of several whole numbers; trailing zeros are lost."""
    return int(SeedSequence(parts).generate_state(1)[0])


def _scores(network: nn.Module, X: Tensor, bf16: bool) -> Tensor:
    """Run the network on a batch; scores (b, classes) in float32."""
    with torch.autocast(X.device.type, torch.bfloat16, enabled=bf16):
        return network(X).float()


@torch.no_grad()
def _sums(accelerator: Accelerator, scores: Tensor, y: Tensor) -> Tensor:
    """Sum over a batch, all processes together: loss, hits, images."""
    losses = F.cross_entropy(scores, y, reduction="none")
    hits = (scores.argmax(1) == y).float()
    each = torch.stack([losses, hits, torch.ones_like(hits)], dim=1)
    return accelerator.gather_for_metrics(each).cpu().double().sum(0)


def _measure(
    accelerator: Accelerator,
    network: nn.Module,
    loader: DataLoader,
    bf16: bool,
) -> dict[str, float]:
    """Return loss and accuracy over a prepared loader."""
    sums = torch.zeros(3, dtype=torch.float64)
    with evaluation(network):
        for X, y in loader:
            sums += _sums(accelerator, _scores(network, X, bf16), y)
    loss, accuracy = (sums[:2] / sums[2]).tolist()
    return {"loss": loss, "accuracy": accuracy}


def _load(
    path: Path, settings: dict[str, Any], parts: dict[str, Any]
) -> dict[str, list[float]]:
    """Fill the parts from a checkpoint of these settings.

    Returns:
        The history so far.

    Raises:
        ValueError: as `fit`.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found = saved["settings"]
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a checkpoint of fit: it is damaged "
            "or another file. Delete it to start anew, or name another "
            f"file. ({type(error).__name__}: {error})"
        ) from error
    differences = [
        f"{name} is {found.get(name)!r} there and {value!r} here"
        for name, value in settings.items()
        if found.get(name) != value
    ]
    if differences:
        raise ValueError(
            f"{path} is the checkpoint of another training: "
            f"{'; '.join(differences)}. To go on with it, build the model "
            "anew under the same seed and give the same settings; else "
            "delete it or name another file."
        )
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["history"]


def _save(
    path: Path,
    settings: dict[str, Any],
    parts: dict[str, Any],
    history: dict[str, list[float]],
) -> None:
    """Replace a checkpoint in one step: at any time it is whole."""
    states = {name: part.state_dict() for name, part in parts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    torch.save({"settings": settings, "history": history, **states}, draft)
    os.replace(draft, path)


def _digest(*values: Tensor | str) -> str:
    """Sixteen hexadecimal digits that change with any of the values."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, str):
            digest.update(value.encode())
        else:
            flat = value.cpu().flatten()
            digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def _effect(augment: Augment, train: DataLoader) -> str:
    """A digest of what augment makes of the first images."""
    first = range(min(100, len(train.dataset)))
    X, _ = train.dataset.__getitems__(list(first))
    torch.manual_seed(0)
    return _digest(augment(X))


def _check_finite(
    loss: float, epoch: int, batch: int, learning_rate: float
) -> None:
    if not math.isfinite(loss):
        raise ValueError(
            f"the loss is {float(loss)} in epoch {epoch}, batch {batch}: "
            f"try a learning rate smaller than {learning_rate}"
        )


def _check_settings(
    epochs: int,
    learning_rate: float,
    seed: int,
    optimizer: str,
    schedule: str,
    weight_decay: float,
) -> None:
    """Refuse what `Images.batches` and the optimizers do not refuse."""
    for name, value, least in [("epochs", epochs, 1), ("seed", seed, 0)]:
        if type(value) is not int or value < least:  # True is no number
            raise ValueError(
                f"{name} must be a whole number from {least} on, not "
                f"{value!r}"
            )
    if not 0 < learning_rate < float("inf"):
        raise ValueError(
            f"learning_rate must be positive, not {learning_rate!r}"
        )
    if not 0 <= weight_decay < float("inf"):
        raise ValueError(
            f"weight_decay must be 0 or positive, not {weight_decay!r}"
        )
    for name, value, known in [
        ("optimizer", optimizer, OPTIMIZERS),
        ("schedule", schedule, SCHEDULES),
    ]:
        if value not in known:
            names = ", ".join(f'"{name}"' for name in known)
            raise ValueError(f"no {name} {value!r}; there are {names}")
