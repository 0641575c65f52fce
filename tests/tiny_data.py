"""A data set of a few small images that stands in for MNIST in tests.

It has the same files in the same format, a few hundred bytes each, so
that every fault of files and hosts can be tried anywhere.
"""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torchvision
from torch import Tensor

from helpers import data


def pixels_and_labels(seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Return uint8 images (count, 1, 5, 5) and int64 labels (count,)."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, 1, 5, 5), generator=generator)
    labels = torch.randint(10, (count,), generator=generator)
    return images.to(torch.uint8), labels


def idx(values: Tensor) -> bytes:
    """Return values (n, h, w) or (n,) as the bytes of an IDX file."""
    header = bytes([0, 0, 8, values.ndim])
    for length in values.shape:
        header += length.to_bytes(4, "big")
    return header + bytes(values.flatten().tolist())


class TinyData:
    """The four files of a tiny data set.

    Attributes:
        train, test: images and labels, as the files hold them.
        files: content by file name.
    """

    def __init__(self, seed: int = 0):
        """Make 12 training and 4 test images."""
        self.train = pixels_and_labels(2 * seed, 12)
        self.test = pixels_and_labels(2 * seed + 1, 4)
        self.files = {
            data.TRAIN_IMAGES: idx(self.train[0].squeeze(1)),
            data.TRAIN_LABELS: idx(self.train[1]),
            data.TEST_IMAGES: idx(self.test[0].squeeze(1)),
            data.TEST_LABELS: idx(self.test[1]),
        }
        self.archives = {
            f"{file}.gz": gzip.compress(content, mtime=0)
            for file, content in self.files.items()
        }

    def write(self, raw: Path) -> None:
        """Write the files into a folder, which is made."""
        raw.mkdir(parents=True)
        for file, content in self.files.items():
            (raw / file).write_bytes(content)

    def stand_in(
        self, name: str, mirrors: list[str], setattr: Callable
    ) -> None:
        """Take the place of a data set, for `helpers` and torchvision.

        `setattr` is Python's, or that of pytest's monkeypatch.
        """
        digests = {
            file: hashlib.sha256(content).hexdigest()
            for file, content in self.files.items()
        }
        source = replace(data.SOURCES[name], sha256=digests)
        setattr(data, "SOURCES", {**data.SOURCES, name: source})
        dataset = getattr(torchvision.datasets, source.folder)
        setattr(dataset, "mirrors", mirrors)
        resources = [
            (archive, hashlib.md5(content).hexdigest())
            for archive, content in self.archives.items()
        ]
        setattr(dataset, "resources", resources)
