"""Compare the book's data loading with the usual way and with none.

One epoch of section 7.6 is timed: LeNet with sigmoids is trained on the
60,000 training images of Fashion-MNIST (forward, backward, a step of SGD)
and then run on the 10,000 test images, in batches of 128, channels last.
The images come

- from `helpers.data`: whole batches, cut and scaled at once;
- from torchvision: each image through PIL and a transform, in worker
  processes, four of them as in the book Dive into Deep Learning;
- from nowhere: the bare loop has one batch, loaded before, again and again.

The epoch of `helpers.training.fit` is timed as well. It loads as the first
way does, and counts losses and hits on the training images too.

All are timed in turn, `--repeats` times. The exit status is 1 if the median
time with `helpers.data` is more than `--most` of the usual way's, or if its
speed is less than `--least` of the bare loop's.

    BOOK_DATA=../shared/data python benchmarks/loader.py
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import results
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

from helpers import data, training

BATCH_SIZE = 128
SIZE = 28

Loaders = tuple[Iterable, Iterable]  # of (X, y): training, test


def our_loaders() -> Loaders:
    """Return the loaders of `helpers.data`."""
    images = data.load("fashion-mnist")
    return (
        images.batches("train", BATCH_SIZE, size=SIZE),
        images.batches("test", BATCH_SIZE, size=SIZE),
    )


def usual_loaders(workers: int) -> Loaders:
    """Return loaders that transform image by image, in workers."""
    transform = torchvision.transforms.Compose(
        [
            torchvision.transforms.Resize((SIZE, SIZE)),
            torchvision.transforms.ToTensor(),
        ]
    )

    def loader(train: bool) -> DataLoader:
        images = torchvision.datasets.FashionMNIST(
            str(data.data_folder()), train=train, transform=transform
        )
        return DataLoader(
            images, BATCH_SIZE, shuffle=train, num_workers=workers
        )

    return loader(True), loader(False)


def one_batch() -> Loaders:
    """Return lists that hold one batch, as often as an epoch has it."""

    def repeated(loader: DataLoader) -> list:
        X, y = next(iter(loader))
        whole, rest = divmod(len(loader.dataset), BATCH_SIZE)
        return [(X, y)] * whole + [(X[:rest], y[:rest])]

    train, test = our_loaders()
    return repeated(train), repeated(test)


def lenet() -> nn.Module:
    """Return the LeNet of section 7.6, with sigmoids."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5),
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, 10),
    )


def seconds_per_epoch(loaders: Loaders) -> float:
    """Return the seconds of one epoch; reading the files is not timed."""
    train, test = loaders
    model = lenet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = 0
    start = time.perf_counter()
    for X, y in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
        seen += len(y)
    with torch.no_grad():
        for X, y in test:
            model(X)
            seen += len(y)
    seconds = time.perf_counter() - start
    if seen != 70_000:
        raise RuntimeError(f"{seen} images instead of 70,000")
    return seconds


def seconds_of_fit() -> float:
    """Return the seconds of an epoch of `helpers.training.fit`."""
    history = training.fit(
        lenet(),
        data.load("fashion-mnist"),
        epochs=1,
        batch_size=BATCH_SIZE,
        progress=False,
    )
    return history["seconds"][0]


def main() -> int:
    """Time all ways in turn and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--most", type=float, default=0.36)
    parser.add_argument("--least", type=float, default=0.92)
    results.add_option(parser)
    options = parser.parse_args()

    ways = {
        "helpers.data": lambda: seconds_per_epoch(our_loaders()),
        "usual way": lambda: seconds_per_epoch(
            usual_loaders(options.workers)
        ),
        "bare loop": lambda: seconds_per_epoch(one_batch()),
        "helpers.training.fit": seconds_of_fit,
    }
    seconds = {name: [] for name in ways}
    for repeat in range(1, options.repeats + 1):
        for name, way in ways.items():
            seconds[name].append(way())
        taken = [f"{name} {t[-1]:.2f} s" for name, t in seconds.items()]
        print(f"epoch {repeat}: {', '.join(taken)}", flush=True)
    median = {name: statistics.median(t) for name, t in seconds.items()}
    ours = median["helpers.data"]
    ratio, speed = ours / median["usual way"], median["bare loop"] / ours
    goals = {
        "usual way": results.judged(
            f"helpers.data takes at most {options.most:g} of it, here "
            f"{ratio:.3f}",
            ratio <= options.most,
        ),
        "bare loop": results.judged(
            f"helpers.data has at least {options.least:g} of its speed, "
            f"here {speed:.3f}",
            speed >= options.least,
        ),
    }
    rows = [
        {
            "way": name,
            "an epoch": f"{taken:.2f} s",
            "times helpers.data": f"{taken / ours:.2f}",
            "goal": goals.get(name, ""),
        }
        for name, taken in median.items()
    ]
    results.show(
        Path(__file__).name,
        "One epoch of LeNet on Fashion-MNIST, four ways to get the images",
        rows,
        options.save,
    )
    return int(ratio > options.most or speed < options.least)


if __name__ == "__main__":
    sys.exit(main())
