"""Compare the book's data loading with the usual way, on Fashion-MNIST.

One epoch of section 7.6 is timed: LeNet with sigmoids is trained on the
60,000 training images (forward, backward, a step of SGD) and then run on
the 10,000 test images, in batches of 128, channels last. The images come

- from `helpers.data`: whole batches, cut and scaled at once;
- from torchvision: each image through PIL and a transform, in worker
  processes, four of them as in the book Dive into Deep Learning.

Both are timed in turn, `--repeats` times. The exit status is 1 if the
median time with `helpers.data` is more than `--most` of the other.

    BOOK_DATA=../shared/data python benchmarks/loader.py
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterable

import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

from helpers import data

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


def main() -> int:
    """Time both ways in turn and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--most", type=float, default=0.36)
    arguments = parser.parse_args()

    ours, usual = [], []
    for repeat in range(1, arguments.repeats + 1):
        ours.append(seconds_per_epoch(our_loaders()))
        usual.append(seconds_per_epoch(usual_loaders(arguments.workers)))
        print(
            f"epoch {repeat}: helpers.data {ours[-1]:.2f} s, "
            f"usual way {usual[-1]:.2f} s",
            flush=True,
        )
    ratio = statistics.median(ours) / statistics.median(usual)
    print(
        f"median: helpers.data {statistics.median(ours):.2f} s, "
        f"usual way {statistics.median(usual):.2f} s; "
        f"ratio {ratio:.3f}, at most {arguments.most}"
    )
    return int(ratio > arguments.most)


if __name__ == "__main__":
    sys.exit(main())
