"""Data sets, batches, photographs and noise; without a network."""

import dataclasses
import hashlib
import pickle
import random
import re
import shutil
import socket

import pytest
import skimage.data
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image
from tiny_data import TinyData
from torch.utils.data import DataLoader

from helpers import data


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test at any attempt to open a socket."""

    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def tiny(tmp_path, monkeypatch, no_network):
    """Put tiny data in MNIST's place, in the folder BOOK_DATA."""
    tiny = TinyData()
    tiny.stand_in("mnist", ["http://nowhere/"], monkeypatch.setattr)
    tiny.write(tmp_path / "MNIST" / "raw")
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    return tiny


def made_up(count: int, size: int = 3) -> data.Images:
    """Return images whose pixels and label are all their own number."""
    numbers = torch.arange(count)
    images = numbers.to(torch.uint8).reshape(-1, 1, 1, 1)
    images = images.expand(-1, 1, size, size)
    return data.Images("n", images, numbers, images, numbers, ("a", "b"))


def order(loader) -> list[int]:
    return [int(label) for _, y in loader for label in y]


# Loading


@pytest.mark.parametrize(
    "name", ["MNIST", "cifar10", "", "fashion_mnist", ["mnist"]]
)
def test_unknown_name(name):
    with pytest.raises(ValueError) as caught:
        data.load(name)
    for word in (repr(name), "fashion-mnist", "mnist", "digits"):
        assert word in str(caught.value)


def test_load_reads_what_the_files_hold(tiny, tmp_path, capfd):
    before = sorted(tmp_path.rglob("*"))
    images = data.load("mnist")
    assert images.name == "mnist"
    assert torch.equal(images.train_images, tiny.train[0])
    assert torch.equal(images.train_labels, tiny.train[1])
    assert torch.equal(images.test_images, tiny.test[0])
    assert torch.equal(images.test_labels, tiny.test[1])
    assert images.train_images.dtype == torch.uint8
    assert images.test_labels.dtype == torch.int64
    assert images.class_names == tuple("0123456789")
    assert sorted(tmp_path.rglob("*")) == before
    assert capfd.readouterr() == ("", "")


def test_load_ignores_unchecked_files_of_old_torchvision(tiny, tmp_path):
    # torchvision itself would prefer these to the files in raw/
    processed = tmp_path / "MNIST" / "processed"
    processed.mkdir()
    other = torch.zeros(2, 5, 5), torch.zeros(2)
    torch.save(other, processed / "training.pt")
    torch.save(other, processed / "test.pt")
    assert torch.equal(data.load("mnist").train_images, tiny.train[0])


def test_images_are_frozen_and_print_short(tiny):
    images = data.load("mnist")
    with pytest.raises(dataclasses.FrozenInstanceError):
        images.name = "other"
    assert len(repr(images)) < 200
    assert "tensor" not in repr(images)


def test_folder_is_book_data_at_the_time_of_the_call(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "a"))
    assert data.data_folder() == tmp_path / "a"
    monkeypatch.setenv("BOOK_DATA", "~/b")
    assert data.data_folder() == tmp_path / "home" / "b"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOOK_DATA", "c")
    assert data.data_folder() == tmp_path / "c"
    cache = tmp_path / "home" / ".cache" / "convolutions-checked"
    monkeypatch.setenv("BOOK_DATA", "")
    assert data.data_folder() == cache
    monkeypatch.delenv("BOOK_DATA")
    assert data.data_folder() == cache


def test_load_reads_the_cache_when_book_data_is_not_set(
    monkeypatch, tmp_path, no_network
):
    tiny = TinyData()
    tiny.stand_in("mnist", [], monkeypatch.setattr)
    cache = tmp_path / ".cache" / "convolutions-checked"
    tiny.write(cache / "MNIST" / "raw")
    monkeypatch.delenv("BOOK_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert torch.equal(data.load("mnist").test_images, tiny.test[0])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def replace_by_directory(path):
    path.unlink()
    path.mkdir()


def swap_for_fashion(path):
    path.write_bytes(TinyData(seed=1).files[path.name])


FAULTS = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "tampered": flip_a_bit,
    "swapped": swap_for_fashion,
    "directory": replace_by_directory,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("file", data.SOURCES["mnist"].sha256)
def test_damaged_file_is_refused(tiny, tmp_path, capfd, file, fault):
    path = tmp_path / "MNIST" / "raw" / file
    FAULTS[fault](path)
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert str(path) in message
    assert "Delete it" in message
    assert "BOOK_DATA" in message
    if fault == "directory":
        assert "cannot be read" in message
    else:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f"{path.stat().st_size} bytes" in message
        assert found in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("file", data.SOURCES["mnist"].sha256)
def test_damage_at_any_place_is_refused(tiny, tmp_path, file):
    path = tmp_path / "MNIST" / "raw" / file
    whole = path.read_bytes()
    chance = random.Random(0)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        for damaged in (whole[:place], bytes(flipped)):
            path.write_bytes(damaged)
            with pytest.raises(data.DataError, match=re.escape(str(path))):
                data.load("mnist")
    path.write_bytes(whole)
    data.load("mnist")


def test_damaged_file_is_refused_before_anything_is_downloaded(
    tiny, tmp_path
):
    raw = tmp_path / "MNIST" / "raw"
    (raw / data.TRAIN_IMAGES).unlink()
    flip_a_bit(raw / data.TEST_LABELS)
    with pytest.raises(data.DataError, match="Delete it"):
        data.load("mnist")
    assert not (raw / data.TRAIN_IMAGES).exists()


# The embedded digits


def test_digits_are_all_of_scikit_learns(no_network, monkeypatch, tmp_path):
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "nowhere"))
    images = data.load("digits")
    assert images.name == "digits"
    assert images.class_names == tuple("0123456789")
    assert images.train_images.shape == (1437, 1, 8, 8)
    assert images.test_images.shape == (360, 1, 8, 8)
    for split in (images.train_images, images.test_images):
        assert split.dtype == torch.uint8
    for split in (images.train_labels, images.test_labels):
        assert split.dtype == torch.int64

    def rows(pixels, labels):
        return sorted(
            (int(label), *image.flatten().tolist())
            for image, label in zip(pixels, labels, strict=True)
        )

    published = load_digits()
    scaled = (published.images * 255 / 16 + 0.5).astype("uint8")
    ours = rows(images.train_images, images.train_labels)
    ours += rows(images.test_images, images.test_labels)
    assert sorted(ours) == rows(scaled, published.target)
    assert not (tmp_path / "nowhere").exists()


def test_digits_split_is_stratified_and_fixed():
    images = data.load("digits")
    train = images.train_labels.bincount()
    test = images.test_labels.bincount()
    assert ((train + test) * 360 / 1797 - test).abs().max() < 1
    again = data.load("digits")
    assert torch.equal(images.test_images, again.test_images)
    assert torch.equal(images.train_images, again.train_images)
    # the same split on every machine, with every scikit-learn
    pixels = images.test_images.numpy().tobytes()
    assert hashlib.sha256(pixels).hexdigest()[:16] == "ac6ada28192bd51a"


# Batches


@given(
    count=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    shuffle=st.booleans(),
    split=st.sampled_from(["train", "test"]),
)
def test_an_epoch_has_each_image_once(count, batch_size, shuffle, split):
    images = made_up(count)
    loader = images.batches(split, batch_size, shuffle=shuffle, seed=1)
    full, rest = divmod(count, batch_size)
    assert len(loader) == full + (rest > 0)
    for _ in range(2):
        batches = list(loader)
        sizes = [batch_size] * full + [rest] * (rest > 0)
        assert [len(y) for _, y in batches] == sizes
        labels = torch.cat([y for _, y in batches])
        assert labels.sort().values.tolist() == list(range(count))
        for X, y in batches:
            assert X.dtype == torch.float32
            assert y.dtype == torch.int64
            assert X.shape == (len(y), 1, 3, 3)
            expected = (y.float() / 255).reshape(-1, 1, 1, 1)
            assert torch.equal(X, expected.expand(-1, 1, 3, 3))


def test_splits_are_not_confused():
    one, two = made_up(5), made_up(9)
    images = data.Images(
        "n",
        one.train_images,
        one.train_labels,
        two.test_images,
        two.test_labels,
        (),
    )
    assert len(order(images.batches("train"))) == 5
    assert len(order(images.batches("test"))) == 9


def test_only_training_images_are_shuffled_by_default():
    images = made_up(50)
    in_order = list(range(50))
    assert order(images.batches("train", seed=0)) != in_order
    assert order(images.batches("test", seed=0)) == in_order
    assert order(images.batches("train", shuffle=False)) == in_order
    assert order(images.batches("test", shuffle=True)) != in_order


def test_a_seed_fixes_the_orders_of_all_epochs():
    images = made_up(50)
    torch.manual_seed(0)
    first = images.batches("train", 8, seed=3)
    epochs = [order(first), order(first)]
    torch.manual_seed(1)
    second = images.batches("train", 8, seed=3)
    assert [order(second), order(second)] == epochs
    assert epochs[0] != epochs[1]
    assert order(images.batches("train", 8, seed=4)) != epochs[0]


def test_without_a_seed_the_order_follows_torch():
    images = made_up(50)
    orders = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        orders.append(order(images.batches("train")))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(("old", "new"), [(28, 14), (28, 96), (8, 32)])
def test_resizing_agrees_with_pillow(old, new):
    pixels = data.noise(6, old)
    labels = torch.zeros(6, dtype=torch.int64)
    images = data.Images("n", pixels, labels, pixels, labels, ())
    [(X, _)] = images.batches("test", size=new)
    assert X.shape == (6, 1, new, new)
    assert X.dtype == torch.float32
    for image, expected in zip(X, pixels, strict=True):
        resized = Image.fromarray(expected[0].numpy()).resize(
            (new, new), Image.Resampling.BILINEAR
        )
        levels = torch.tensor(list(resized.tobytes())).reshape(new, new)
        assert (image[0] * 255 - levels).abs().max() <= 1.01


def test_resized_white_and_black_stay_within_0_and_1():
    pixels = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    labels = torch.zeros(1, dtype=torch.int64)
    images = data.Images("n", pixels, labels, 255 - pixels, labels, ())
    for size in range(1, 120, 7):
        [(X, _)] = images.batches("train", size=size)
        assert X.max() <= 1
        assert X.min() > 0.9999
        [(X, _)] = images.batches("test", size=size)
        assert X.abs().max() == 0


def test_own_size_changes_nothing():
    pixels = data.noise(4, 9)
    labels = torch.arange(4)
    images = data.Images("n", pixels, labels, pixels, labels, ())
    [(X, _)] = images.batches("test")
    [(same, _)] = images.batches("test", size=9)
    assert torch.equal(X, pixels / 255)
    assert torch.equal(same, X)


@pytest.mark.parametrize("size", [None, 7])
def test_batches_are_made_on_the_device(size):
    # "meta" is a device that every machine has; it keeps only shapes
    loader = made_up(5).batches("train", 2, size=size, device="meta")
    for X, y in loader:
        assert (X.device.type, y.device.type) == ("meta", "meta")
        assert X.shape == (len(y), 1, size or 3, size or 3)


def test_batches_can_be_shared_out_among_processes():
    # the way of Hugging Face accelerate: every process takes its batches
    loader = made_up(50).batches("train", 8, seed=0)
    assert isinstance(loader, DataLoader)
    batches = list(loader.batch_sampler)
    seen = []
    for process in (0, 1):
        share = DataLoader(
            pickle.loads(pickle.dumps(loader.dataset)),
            batch_sampler=batches[process::2],
            collate_fn=loader.collate_fn,
        )
        seen += order(share)
    assert sorted(seen) == list(range(50))


def test_single_images_of_the_dataset():
    dataset = made_up(5).batches("train", size=7).dataset
    assert len(dataset) == 5
    X, y = dataset[3]
    assert X.shape == (1, 7, 7)
    torch.testing.assert_close(X, torch.full((1, 7, 7), 3 / 255))
    assert y.shape == ()
    assert y == 3


@pytest.mark.parametrize("split", ["val", "Train", "", None])
def test_bad_split(split):
    with pytest.raises(ValueError, match='"train" or "test"') as caught:
        made_up(3).batches(split)
    assert repr(split) in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, 2.5, "8", True])
@pytest.mark.parametrize("argument", ["batch_size", "size"])
def test_bad_batch_size_or_size(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must") as caught:
        made_up(3).batches("train", **{argument: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("seed", "a"), ("seed", 1.5), ("shuffle", "no"), ("shuffle", 2)],
)
def test_bad_seed_or_shuffle(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must") as caught:
        made_up(3).batches("train", **{argument: value})
    assert repr(value) in str(caught.value)


def test_batch_size_none_is_refused():
    with pytest.raises(ValueError, match=r"batch_size must.*None"):
        made_up(3).batches("train", batch_size=None)


# Photographs and noise

PHOTOGRAPHS = {
    "temple": (427, 640),
    "flower": (427, 640),
    "cat": (300, 451),
    "rocket": (427, 640),
    "motorcycle": (500, 741),
    "horse": (328, 400),
}


def test_photographs(no_network):
    seen = set()
    for name, size in PHOTOGRAPHS.items():
        pixels = data.photograph(name)
        assert pixels.dtype == torch.uint8
        assert pixels.shape == (3, *size)
        assert pixels.is_contiguous()
        assert pixels.min() < 50
        assert pixels.max() > 200
        seen.add(pixels.numpy().tobytes())
    assert len(seen) == len(PHOTOGRAPHS)


def test_photographs_have_their_colours():
    # red, green and blue as an image viewer shows them
    red, _, blue = data.photograph("temple")[:, :100].float().mean((1, 2))
    assert blue > red  # the sky
    red, _, blue = data.photograph("cat").float().mean(dim=(1, 2))
    assert red > blue  # ginger
    flower = load_sample_image("flower.jpg")
    for row, column in ((0, 0), (10, 500), (400, 20)):
        expected = flower[row, column].tolist()
        found = data.photograph("flower")[:, row, column].tolist()
        assert found == expected
    horse = data.photograph("horse")
    assert horse.unique().tolist() == [0, 255]
    assert torch.equal(horse[0], horse[2])
    assert horse[0, 0, 0] == 255  # black on white
    left, *_ = skimage.data.stereo_motorcycle()
    motorcycle = data.photograph("motorcycle").permute(1, 2, 0)
    assert torch.equal(motorcycle, torch.tensor(left))


def test_a_photograph_belongs_to_the_caller():
    data.photograph("cat").zero_()
    assert data.photograph("cat").max() > 0


@pytest.mark.parametrize("name", ["car", "Cat", ""])
def test_unknown_photograph(name):
    with pytest.raises(ValueError) as caught:
        data.photograph(name)
    for word in (repr(name), *PHOTOGRAPHS):
        assert word in str(caught.value)


def test_noise_is_uniform_and_seeded():
    pixels = data.noise(100, 28)
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (100, 1, 28, 28)
    counts = pixels.flatten().bincount(minlength=256)
    assert len(counts) == 256
    assert counts.min() > 200  # 306 expected, standard deviation 17
    assert counts.max() < 400
    torch.manual_seed(7)
    assert torch.equal(data.noise(100, 28, seed=0), pixels)
    assert not torch.equal(data.noise(100, 28, seed=1), pixels)


@pytest.mark.parametrize(("count", "size"), [(0, 3), (3, 0), (2.0, 3)])
def test_bad_noise(count, size):
    with pytest.raises(ValueError, match="must be a positive"):
        data.noise(count, size)


# The published files


def test_torchvision_knows_the_files():
    for source in data.SOURCES.values():
        dataset = getattr(torchvision.datasets, source.folder)
        archives = [archive for archive, _ in dataset.resources]
        assert archives == [f"{file}.gz" for file in source.sha256]
        assert dataset.mirrors
        assert len(source.class_names) == 10


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "mean", "deviation", "train_counts"),
    [
        ("fashion-mnist", 0.2860, 0.3530, [6000] * 10),
        (
            "mnist",
            0.1307,
            0.3081,
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        ),
    ],
)
def test_published_data(
    real_data, monkeypatch, no_network, name, mean, deviation, train_counts
):
    monkeypatch.setenv("BOOK_DATA", str(real_data))
    images = data.load(name)
    assert images.train_images.shape == (60000, 1, 28, 28)
    assert images.test_images.shape == (10000, 1, 28, 28)
    assert images.train_labels.bincount().tolist() == train_counts
    assert len(images.test_labels) == 10000
    if name == "fashion-mnist":
        assert images.test_labels.bincount().tolist() == [1000] * 10
        assert images.class_names[0] == "t-shirt"
        assert images.class_names[9] == "ankle boot"
    pixels = torch.cat([X for X, _ in images.batches("train", 4096)])
    assert len(pixels) == 60000
    assert round(pixels.mean().item(), 4) == pytest.approx(mean)
    assert round(pixels.std().item(), 4) == pytest.approx(deviation)


@pytest.mark.real_data
def test_real_files_are_read_as_torchvision_reads_them(
    real_data, monkeypatch
):
    monkeypatch.setenv("BOOK_DATA", str(real_data))
    for name, source in data.SOURCES.items():
        images = data.load(name)
        dataset = getattr(torchvision.datasets, source.folder)
        train = dataset(real_data, train=True, download=False)
        test = dataset(real_data, train=False, download=False)
        assert torch.equal(images.train_images[:, 0], train.data)
        assert torch.equal(images.train_labels, train.targets)
        assert torch.equal(images.test_images[:, 0], test.data)
        assert torch.equal(images.test_labels, test.targets)


@pytest.mark.real_data
def test_truncated_real_file_is_refused(real_data, monkeypatch, tmp_path):
    for folder in ("MNIST", "FashionMNIST"):
        shutil.copytree(real_data / folder, tmp_path / folder)
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    labels = tmp_path / "FashionMNIST" / "raw" / data.TRAIN_LABELS
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(data.DataError, match="60007 bytes"):
        data.load("fashion-mnist")
    assert data.load("mnist").name == "mnist"
    shutil.copy(tmp_path / "MNIST" / "raw" / data.TRAIN_LABELS, labels)
    with pytest.raises(data.DataError, match="not the file of fashion"):
        data.load("fashion-mnist")
