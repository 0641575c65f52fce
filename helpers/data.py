"""The images of the book: data sets, photographs and noise.

`load` returns a whole data set as uint8 tensors; `Images.batches` cuts,
resizes and scales whole batches. Fashion-MNIST and MNIST are files in
torchvision's layout, in the folder that the environment variable
BOOK_DATA names, else in ``~/.cache/convolutions-checked``. Missing files
are downloaded through torchvision; every file is checked by its SHA-256
before it is read. "digits" comes with scikit-learn and needs neither.
"""

import hashlib
import io
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

__all__ = [
    "DataError",
    "Images",
    "data_folder",
    "load",
    "noise",
    "photograph",
]

TIMEOUT = 20.0  # seconds of silence after which a host is given up


class DataError(RuntimeError):
    """A data set cannot be had: files are missing, damaged or barred."""


@dataclass(frozen=True)
class Source:
    """What is known about a data set that torchvision can download.

    Attributes:
        folder: name of torchvision's class, and of its folder.
        sha256: digest of each uncompressed file, by file name. The files
            stand in the order training images, training labels, test
            images, test labels.
        class_names: a name for each label.
    """

    folder: str
    sha256: dict[str, str]
    class_names: tuple[str, ...]


TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

DIGIT_NAMES = tuple("0123456789")

SOURCES = {
    "fashion-mnist": Source(
        "FashionMNIST",
        {
            TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276"
            "145d20f83aa44d888",
            TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e124612"
            "1d8633921760443d9",
            TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef"
            "5c9a5cd8815ce37b",
            TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d9272"
            "9df917d7dec38c34",
        },
        (
            "t-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
    ),
    "mnist": Source(
        "MNIST",
        {
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9"
            "b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2"
            "ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661"
            "ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf8"
            "47f06e48f7ec33f2",
        },
        DIGIT_NAMES,
    ),
}


class BatchDataset(Dataset):
    """Images that come out as finished batches (see `Images.batches`)."""

    def __init__(self, images: Tensor, labels: Tensor, size: int | None):
        """Keep images (n, 1, h, w), labels (n,) and the wanted size."""
        self.images = images
        self.labels = labels
        self.size = size

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one image (1, size, size) and its label ()."""
        X, y = self.__getitems__([index])
        return X[0], y[0]

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these images, as DataLoader asks for it."""
        X = self.images[indices] / 255  # float32
        if self.size is not None and X.shape[-2:] != (self.size,) * 2:
            X = F.interpolate(
                X, (self.size, self.size), mode="bilinear", antialias=True
            ).clamp(0, 1)  # rounding can lead out of [0, 1]
        return X, self.labels[indices]


def pass_on(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the batch: it is finished, nothing is left to collate."""
    return batch


@dataclass(frozen=True, eq=False)
class Images:
    """A data set of grey images with labels, in memory.

    Attributes:
        name: the name that `load` was given.
        train_images: uint8, shape (n, 1, h, w), values 0 to 255.
        train_labels: int64, shape (n,), indices into ``class_names``.
        test_images: likewise.
        test_labels: likewise.
        class_names: a name for each label.
    """

    name: str
    train_images: Tensor = field(repr=False)
    train_labels: Tensor = field(repr=False)
    test_images: Tensor = field(repr=False)
    test_labels: Tensor = field(repr=False)
    class_names: tuple[str, ...]

    def batches(
        self,
        split: str,
        batch_size: int = 128,
        size: int | None = None,
        shuffle: bool | None = None,
        seed: int | None = None,
        device: torch.device | str = "cpu",
    ) -> DataLoader:
        """Return a loader of batches (X, y), each image once an epoch.

        X is float32 of shape (b, 1, size, size), in [0, 1]; y is int64 of
        shape (b,). Both are made on ``device``, a whole batch at a time.
        The last batch is smaller when ``batch_size`` does not divide n.

        Args:
            split: "train" or "test".
            batch_size: images a batch.
            size: height and width in pixels; images of another size are
                resized (bilinear, antialiased). None keeps their size.
            shuffle: a new order in each epoch; by default for "train".
            seed: fixes the orders: loaders with the same seed go through
                the same orders, epoch by epoch. None draws from torch's
                global generator.
            device: where the images are kept and the batches are made.

        Raises:
            ValueError: another split, a batch size or size below 1, a
                seed that is no int, a shuffle that is no bool.
        """
        if split == "train":
            images, labels = self.train_images, self.train_labels
        elif split == "test":
            images, labels = self.test_images, self.test_labels
        else:
            raise ValueError(
                f'split must be "train" or "test", not {split!r}'
            )
        _check_positive("batch_size", batch_size)
        if size is not None:
            _check_positive("size", size)
        if shuffle not in (None, True, False):
            raise ValueError(
                f"shuffle must be True, False or None, not {shuffle!r}"
            )
        if seed is not None and type(seed) is not int:
            raise ValueError(f"seed must be a whole number, not {seed!r}")
        if shuffle is None:
            shuffle = split == "train"
        generator = None
        if seed is not None:
            generator = torch.Generator().manual_seed(seed)
        return DataLoader(
            BatchDataset(images.to(device), labels.to(device), size),
            batch_size=batch_size,
            shuffle=shuffle,
            generator=generator,
            collate_fn=pass_on,
        )


def load(name: str) -> Images:
    """Load a data set of grey images, all of it, in the published order.

    - "fashion-mnist": 60,000 and 10,000 pictures of clothes, 28 x 28
      pixels (Xiao, Rasul, Vollgraf 2017, MIT licence);
    - "mnist": 60,000 and 10,000 handwritten digits, 28 x 28 pixels
      (LeCun, Cortes, Burges 1998);
    - "digits": 1,437 and 360 handwritten digits, 8 x 8 pixels with 17
      grey levels, scaled to 0 to 255 (Alpaydin, Kaynak 1998; embedded in
      scikit-learn, no network). The split is ours: fixed, stratified.

    Raises:
        ValueError: another name.
        DataError: files are damaged, or missing and not to be had; the
            message says which, where, and what to do.
    """
    if name == "digits":
        return _load_digits()
    if not isinstance(name, str) or name not in SOURCES:
        known = ", ".join(f'"{known}"' for known in [*SOURCES, "digits"])
        raise ValueError(f"no data set {name!r}; there are {known}")

    from torchvision.datasets.mnist import read_image_file, read_label_file

    root = data_folder()
    _ensure_files(name, root)
    raw = root / SOURCES[name].folder / "raw"
    return Images(
        name,
        read_image_file(str(raw / TRAIN_IMAGES)).unsqueeze(1),
        read_label_file(str(raw / TRAIN_LABELS)),
        read_image_file(str(raw / TEST_IMAGES)).unsqueeze(1),
        read_label_file(str(raw / TEST_LABELS)),
        SOURCES[name].class_names,
    )


def photograph(name: str) -> Tensor:
    """Return a photograph as uint8 tensor of shape (3, h, w).

    "temple" and "flower" come with scikit-learn: two photographs on
    flickr, by danielbuechele (6061409035) and vultilion (6056698931),
    both CC BY 2.0. "cat", "rocket", "motorcycle" and "horse" come with
    scikit-image, which names their sources in `skimage.data`. No network
    is needed. The horse is a silhouette: black on white.

    Raises:
        ValueError: another name.
    """
    import skimage.data
    from sklearn.datasets import load_sample_image

    read = {
        "temple": lambda: load_sample_image("china.jpg"),
        "flower": lambda: load_sample_image("flower.jpg"),
        "cat": skimage.data.chelsea,
        "rocket": skimage.data.rocket,
        "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],
        "horse": skimage.data.horse,
    }
    if name not in read:
        known = ", ".join(f'"{known}"' for known in read)
        raise ValueError(f"no photograph {name!r}; there are {known}")
    pixels = torch.tensor(read[name]())
    if pixels.dtype == torch.bool:
        pixels = (
            pixels.to(torch.uint8).mul(255)[..., None].expand(-1, -1, 3)
        )
    return pixels.permute(2, 0, 1).contiguous()


def noise(count: int, size: int, seed: int = 0) -> Tensor:
    """Return uint8 noise of shape (count, 1, size, size).

    Each pixel is drawn uniformly from 0 to 255; the same seed gives the
    same noise.

    Raises:
        ValueError: count or size below 1.
    """
    _check_positive("count", count)
    _check_positive("size", size)
    return torch.randint(
        256,
        (count, 1, size, size),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(seed),
    )


def data_folder() -> Path:
    """Return the folder of the data sets: BOOK_DATA, or a cache."""
    folder = os.environ.get("BOOK_DATA") or "~/.cache/convolutions-checked"
    return Path(folder).expanduser().absolute()


def _check_positive(name: str, value: int) -> None:
    if type(value) is not int or value < 1:  # True is no number here
        raise ValueError(
            f"{name} must be a positive whole number, not {value!r}"
        )


def _load_digits() -> Images:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = torch.tensor(digits.images).mul(255 / 16).round()
    images = pixels.to(torch.uint8).unsqueeze(1)
    labels = torch.tensor(digits.target, dtype=torch.int64)
    train, test = train_test_split(
        range(len(labels)), test_size=360, stratify=labels, random_state=0
    )
    return Images(
        "digits",
        images[train],
        labels[train],
        images[test],
        labels[test],
        DIGIT_NAMES,
    )


def _ensure_files(name: str, root: Path) -> None:
    """Check the files that are there and download those that are not."""
    source = SOURCES[name]
    raw = root / source.folder / "raw"
    missing = []
    for file, digest in source.sha256.items():
        if not (raw / file).exists():
            missing.append(file)
        elif fault := _fault(raw / file, digest):
            raise DataError(
                f"{raw / file} is not the file of {name}: {fault}. Delete "
                "it and run again to download it, or set the environment "
                "variable BOOK_DATA to a folder with the published files."
            )
    if missing:
        _download(name, root, missing)


def _fault(path: Path, expected: str) -> str:
    """Say what is wrong with a file; "" if it has this SHA-256."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    found = hashlib.sha256(content).hexdigest()
    if found == expected:
        return ""
    return f"{len(content)} bytes with SHA-256 {found}, not {expected}"


def _download(name: str, root: Path, files: list[str]) -> None:
    """Download files of a data set: all of them, or none is kept.

    The work is done in a temporary folder inside `root`; finished files
    are moved to their place in one step each, so that several processes
    may do this at once.
    """
    source = SOURCES[name]
    raw = root / source.folder / "raw"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".download-", dir=root
        ) as temporary:
            print(f"Downloading {name} to {raw}")
            for file in files:
                failures = _fetch(source, file, Path(temporary))
                if failures:
                    raise DataError(_not_found(name, raw, files, failures))
            raw.mkdir(parents=True, exist_ok=True)
            for file in files:
                os.replace(Path(temporary, file), raw / file)
    except OSError as error:
        raise DataError(
            f"{name} is to be downloaded ({', '.join(files)}), but the "
            f"folder {raw} cannot be made or written: {error}. Set the "
            "environment variable BOOK_DATA to a folder that has the "
            'files or can be written; load("digits") needs none.'
        ) from error


def _fetch(source: Source, file: str, folder: Path) -> list[str]:
    """Download and unpack one file, from the first mirror that has it.

    Returns:
        Why each mirror failed; empty when the file is in the folder.
    """
    import torchvision

    dataset = getattr(torchvision.datasets, source.folder)
    md5 = dict(dataset.resources)[f"{file}.gz"]
    failures = []
    for mirror in dataset.mirrors:
        try:
            with _quiet_and_timed():
                torchvision.datasets.utils.download_and_extract_archive(
                    f"{mirror}{file}.gz", str(folder), md5=md5
                )
            fault = _fault(folder / file, source.sha256[file])
        except (OSError, RuntimeError, HTTPException) as error:
            fault = f"{type(error).__name__}: {error}"
        if not fault:
            return []
        failures.append(f"{urlsplit(mirror).netloc} ({file}.gz): {fault}")
    return failures


@contextmanager
def _quiet_and_timed() -> Iterator[None]:
    """Silence torchvision's progress bar; give up on a silent host."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _not_found(
    name: str, raw: Path, files: list[str], failures: list[str]
) -> str:
    """Return the message for files that no mirror delivered."""
    return "\n".join(
        [
            f"{name} is not here and could not be downloaded.",
            f"Looked for {', '.join(files)} in {raw}.",
            "Tried:",
            *(f"  {failure}" for failure in failures),
            "Set the environment variable BOOK_DATA to a folder that has "
            "these files, or connect to the internet and run again. "
            'load("digits") needs no network.',
        ]
    )
