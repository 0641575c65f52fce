"""Compare the book's trainer with that of d2l 1.0.3, on Fashion-MNIST.

One epoch is timed on the CPU: training on the first `--images` images, in
batches of 128 with plain SGD, then evaluation on the first test images, a
sixth as many, as in the whole data set. The two trainers are

- `helpers.training.fit`: bf16, channels last, whole batches of images;
- `d2l.torch.Trainer` with `d2l.FashionMNIST`, as they are: float32, each
  image through PIL and a transform, in four worker processes.

Both train the same network of `helpers.models` (which needs only PyTorch)
from the same weights. Each epoch runs in a new process, after an epoch of
one batch that warms it up. Not timed: starting Python, reading the files,
building the network. d2l's board keeps its points without drawing them,
and our line of progress is off. d2l measures the accuracy on the test
images only, `fit` on the training images too.

d2l lives in an environment of its own, with the same PyTorch (README.md
says how to make it). The exit status is 1 if our trainer is less than
`--least` times as fast, by the medians.

    BOOK_DATA=../shared/data python benchmarks/trainer.py \\
        --d2l-python ../d2l-env/bin/python
"""

import argparse
import dataclasses
import functools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import results
import torch
from torch import nn

BATCH_SIZE = 128
LEARNING_RATE = 0.01
SIZES = {"resnet18": 96, "vgg11-quarter": 224}  # pixels of a side
GOALS = {"resnet18": 2.5, "vgg11-quarter": 2.3}  # times as fast


def network(case: str) -> nn.Module:
    """Return a case's network, its lazy layers shaped and drawn."""
    from helpers import models

    torch.manual_seed(0)
    if case == "resnet18":
        model = models.build("resnet18")
    else:
        arch = ((1, 16), (1, 32), (2, 64), (2, 128), (2, 128))
        model = models.VGG(arch, hidden=4096)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 1, SIZES[case], SIZES[case]))
    return model.train()


def our_epoch(case: str, count: int) -> float:
    """Return the seconds of an epoch with `helpers.training.fit`."""
    from helpers import data, training

    images = data.load("fashion-mnist")
    model = network(case)
    for n in (BATCH_SIZE, count):  # the first one warms up
        part = dataclasses.replace(
            images,
            train_images=images.train_images[:n],
            train_labels=images.train_labels[:n],
            test_images=images.test_images[: n // 6],
            test_labels=images.test_labels[: n // 6],
        )
        history = training.fit(
            model,
            part,
            epochs=1,
            batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            size=SIZES[case],
            bf16=True,
            progress=False,
        )
    return history["seconds"][0]


def d2l_epoch(case: str, count: int) -> float:
    """Return the seconds of an epoch with `d2l.Trainer`."""
    from d2l import torch as d2l

    from helpers import data

    class Trainer(d2l.Trainer):
        """Keep the seconds of the last epoch."""

        def fit_epoch(self) -> None:
            """Train and validate, as d2l does."""
            start = time.perf_counter()
            super().fit_epoch()
            self.seconds = time.perf_counter() - start

    # d2l.FashionMNIST itself has no argument for its folder.
    d2l.DataModule.__init__ = functools.partialmethod(
        d2l.DataModule.__init__, root=str(data.data_folder())
    )
    model = d2l.Classifier()
    model.net = network(case)
    model.lr = LEARNING_RATE
    model.board.display = False
    trainer = Trainer(max_epochs=1)
    for n in (BATCH_SIZE, count):  # the first one warms up
        images = d2l.FashionMNIST(BATCH_SIZE, (SIZES[case],) * 2)
        for part, length in ((images.train, n), (images.val, n // 6)):
            part.data = part.data[:length]
            part.targets = part.targets[:length]
        trainer.fit(model, images)
    return trainer.seconds


def measure(python: str, side: str, case: str, count: int) -> dict:
    """Time an epoch in a new process; return what that prints."""
    command = [python, __file__, "--side", side, "--case", case]
    settings = {
        "PYTHONPATH": str(Path(__file__).absolute().parents[1]),
        "PYTHONWARNINGS": "ignore",  # four workers on fewer cores
        "ACCELERATE_USE_CPU": "1",
    }
    done = subprocess.run(
        [*command, "--images", str(count)],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(case: str, options: argparse.Namespace) -> results.Row:
    """Time both trainers in turn; return a row of the table."""
    least = GOALS[case] if options.least is None else options.least
    ours, theirs = [], []
    for i in range(1, options.rounds + 1):
        our = measure(sys.executable, "ours", case, options.images)
        their = measure(options.d2l_python, "d2l", case, options.images)
        ours.append(our.pop("seconds"))
        theirs.append(their.pop("seconds"))
        if our != their:
            raise RuntimeError(f"not alike: ours has {our}, d2l {their}")
        print(
            f"{case}, round {i}: helpers.training {ours[-1]:.2f} s, "
            f"d2l {theirs[-1]:.2f} s",
            flush=True,
        )
    our, their = statistics.median(ours), statistics.median(theirs)
    return {
        "network": case,
        "ours": f"{our:.2f} s",
        "d2l": f"{their:.2f} s",
        "times as fast": f"{their / our:.2f}",
        "goal": results.judged(f"at least {least:g}", their / our >= least),
    }


def main() -> int:
    """Compare all cases, or be one of the processes that are timed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d2l-python")
    parser.add_argument("--case", choices=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=768)
    parser.add_argument("--least", type=float)
    parser.add_argument("--side", help=argparse.SUPPRESS)  # for `measure`
    results.add_option(parser)
    options = parser.parse_args()
    if options.side:
        epoch = our_epoch if options.side == "ours" else d2l_epoch
        result = {
            "seconds": epoch(options.case, options.images),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }
        print(json.dumps(result))
        return 0
    if options.d2l_python is None:
        parser.error("--d2l-python is needed (see benchmarks/README.md)")
    cases = [options.case] if options.case else list(SIZES)
    rows = [compare(case, options) for case in cases]
    results.show(
        f"{Path(__file__).name}, {options.images:,} images",
        f"One epoch on {options.images:,} images of Fashion-MNIST, our "
        "trainer and that of d2l 1.0.3",
        rows,
        options.save,
    )
    return int(any("missed" in row["goal"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
