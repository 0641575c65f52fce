"""Training: what it computes, repeats, resumes and refuses."""

import inspect
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from processes import full_disk, killed
from torch import nn
from torch.nn import functional as F

from helpers import data, training
from helpers.models import LeNet, ModernLeNet
from helpers.training import flip, shift

KEYS = [
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
]

# A program that trains on digits and prints what comes out.
PROGRAM = """
import hashlib, json, sys
import torch
from helpers import data, training
from helpers.models import ModernLeNet

def shifted(X):
    return X.roll(torch.randint(-1, 2, ()).item(), dims=3)

torch.set_num_threads(1)
checkpoint = sys.argv[1] if len(sys.argv) > 1 else None
torch.manual_seed(5)
model = ModernLeNet()
history = training.fit(
    model, data.load("digits"), epochs=20, size=12, seed=5,
    learning_rate=0.01, optimizer="adamw", schedule="one-cycle",
    augment=shifted, checkpoint=checkpoint, progress=False,
)
del history["seconds"]
digest = hashlib.sha256()
for value in model.state_dict().values():
    digest.update(value.numpy().tobytes())
print(json.dumps([history, digest.hexdigest()]))
"""


@pytest.fixture(scope="module")
def digits() -> data.Images:
    return data.load("digits")


def made_up(train: int = 40, test: int = 24, side: int = 4) -> data.Images:
    """Return random images in three classes, told apart by brightness."""
    generator = torch.Generator().manual_seed(0)
    tensors = []
    for count in (train, test):
        labels = torch.randint(3, (count,), generator=generator)
        noise = torch.randint(
            80, (count, 1, side, side), generator=generator
        )
        images = noise + 80 * labels.reshape(-1, 1, 1, 1)
        tensors += [images.to(torch.uint8), labels]
    return data.Images("made up", *tensors, ("dark", "grey", "bright"))


def network(seed: int = 0, dropout: float = 0.0) -> nn.Module:
    """Return a small network with every kind of state."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.LazyLinear(3),
    )


def fit(model: nn.Module, images: data.Images, **settings):
    """Train quietly; a few epochs with small batches if not told."""
    settings = {
        "epochs": 3,
        "batch_size": 16,
        "progress": False,
        **settings,
    }
    return training.fit(model, images, **settings)


def numbers(history: dict) -> dict:
    """Return the history without the seconds."""
    return {k: v for k, v in history.items() if k != "seconds"}


def weights(model: nn.Module) -> list[bytes]:
    return [v.numpy().tobytes() for v in model.state_dict().values()]


# What fit computes


def test_modern_lenet_learns_digits(digits):
    torch.manual_seed(0)
    model = ModernLeNet()
    history = training.fit(
        model,
        digits,
        epochs=5,
        batch_size=32,
        size=16,
        learning_rate=0.01,
        optimizer="adamw",
        schedule="one-cycle",
        progress=False,
    )
    assert history["test_accuracy"][-1] > 0.95
    assert history["train_accuracy"][-1] > 0.95
    assert history["test_loss"][-1] < 0.2
    assert history["train_loss"][-1] < history["train_loss"][0] / 5


def test_history_survives_json_and_has_a_number_for_each_epoch():
    history = fit(network(), made_up(), epochs=4)
    assert list(history) == KEYS
    assert json.loads(json.dumps(history, allow_nan=False)) == history
    for values in history.values():
        assert len(values) == 4
        assert all(type(value) is float for value in values)
    assert all(0 < s < 10 for s in history["seconds"])
    for name in ("train_accuracy", "test_accuracy"):
        assert all(0 <= value <= 1 for value in history[name])


def plain_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)
    )


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
def test_fit_equals_a_loop_by_hand(optimizer, schedule, decay):
    # One batch holds all images: their order does not matter.
    images, epochs, rate = made_up(train=30), 5, 0.05
    model, twin = plain_network(), plain_network()
    history = fit(
        model,
        images,
        epochs=epochs,
        batch_size=30,
        learning_rate=rate,
        optimizer=optimizer,
        schedule=schedule,
        weight_decay=decay,
    )
    X, y = images.train_images / 255, images.train_labels
    twin.eval()
    twin(X)
    kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[optimizer]
    steps = kind(twin.parameters(), lr=rate, weight_decay=decay)
    for epoch in range(epochs):
        if schedule == "one-cycle":
            for group in steps.param_groups:
                group["lr"] = one_cycle(epoch, epochs, rate)
        twin.train()
        scores = twin(X)
        loss = F.cross_entropy(scores, y)
        found = history["train_loss"][epoch]
        assert found == pytest.approx(loss.item(), rel=1e-4)
        hits = (scores.argmax(1) == y).double().mean().item()
        assert history["train_accuracy"][epoch] == pytest.approx(hits)
        steps.zero_grad()
        loss.backward()
        steps.step()
        twin.eval()
        with torch.no_grad():
            scores = twin(images.test_images / 255)
        loss = F.cross_entropy(scores, images.test_labels).item()
        assert history["test_loss"][epoch] == pytest.approx(loss, rel=1e-4)
        hits = (scores.argmax(1) == images.test_labels).double().mean()
        assert history["test_accuracy"][epoch] == pytest.approx(hits.item())
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-5)


def one_cycle(step: int, steps: int, highest: float) -> float:
    """Return the rate at a step: up for 30 %, then down, by cosines."""
    lowest, top = highest / 25, 0.3 * steps - 1
    if step <= top:
        start, end, part = lowest, highest, step / top
    else:
        start, end = highest, lowest / 1e4
        part = (step - top) / (steps - 1 - top)
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def test_the_last_batch_counts_by_its_images():
    # Frozen weights: the means over 40 images in batches of 16, 16 and 8
    # are those over all of them at once.
    images = made_up(train=40, test=21)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    history = fit(model, images, epochs=1, learning_rate=1e-12)
    for split, X, y in [
        ("train", images.train_images, images.train_labels),
        ("test", images.test_images, images.test_labels),
    ]:
        scores = model(X / 255)
        loss = F.cross_entropy(scores, y).item()
        hits = (scores.argmax(1) == y).double().mean().item()
        assert history[f"{split}_loss"] == [pytest.approx(loss, rel=1e-5)]
        assert history[f"{split}_accuracy"] == [pytest.approx(hits)]


def test_every_image_is_seen_once_in_an_order_of_its_epoch():
    numbers = torch.arange(50)
    pixels = numbers.to(torch.uint8).reshape(-1, 1, 1, 1)
    images = data.Images(
        "n", pixels, numbers % 3, pixels[:5], numbers[:5] % 3, ("a", "b")
    )
    seen = []

    def look(X):
        seen.extend((X.flatten() * 255).round().int().tolist())
        return X

    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 3))
    fit(model, images, augment=look, seed=1)
    epochs = [seen[:50], seen[50:100], seen[100:]]
    assert all(sorted(epoch) == numbers.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    again, seen[:] = seen[:], []
    fit(model, images, augment=look, seed=1)
    assert seen == again
    seen.clear()
    fit(model, images, augment=look, seed=2)
    assert seen != again


def test_images_are_resized_and_scaled_to_at_most_1():
    shapes, ranges = set(), []

    def look(X):
        shapes.add(tuple(X.shape[1:]))
        ranges.append((X.min().item(), X.max().item()))
        return X

    fit(network(), made_up(), size=6, augment=look)
    assert shapes == {(1, 6, 6)}
    assert min(low for low, _ in ranges) >= 0
    assert 0.5 < max(high for _, high in ranges) <= 1


def test_flip_mirrors_half_of_the_images():
    X = torch.rand(1000, 2, 3, 5)
    torch.manual_seed(0)
    Y = flip(X)
    mirrored = (X.flip(3) == Y).all((1, 2, 3))
    assert torch.equal(Y[~mirrored], X[~mirrored])
    assert 440 < mirrored.sum() < 560
    assert not torch.equal(flip(X), Y)


def test_shift_moves_each_image_by_up_to_two_pixels():
    X = torch.rand(2000, 2, 6, 5)
    torch.manual_seed(0)
    Y = shift(X)
    assert Y.shape == X.shape
    padded = F.pad(X, (2, 2, 2, 2))
    counts = []
    for i in range(5):
        for j in range(5):
            window = padded[:, :, i : i + 6, j : j + 5]
            counts.append((window == Y).all((1, 2, 3)).sum().item())
    assert sum(counts) == 2000  # each image is one of the 25 windows
    assert min(counts) > 40
    assert max(counts) < 130
    assert torch.equal(shift(X, most=0), X)


def test_augmentation_changes_training_images_only():
    images = made_up()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    calls = []

    def blank(X):
        calls.append((len(X), model.training))
        return torch.zeros_like(X)

    history = fit(model, images, epochs=1, augment=blank)
    assert calls == [(16, True), (16, True), (8, True)]
    # From blank images only the biases learn.
    torch.manual_seed(0)
    fresh = nn.Linear(16, 3)
    assert torch.equal(model[1].weight, fresh.weight)
    assert not torch.equal(model[1].bias, fresh.bias)
    found = training.evaluate(model, images)
    assert found["accuracy"] == history["test_accuracy"][0]
    scores = model(images.test_images / 255)
    loss = F.cross_entropy(scores, images.test_labels).item()
    assert history["test_loss"][0] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("before", [True, False])
def test_dropout_is_on_in_training_and_off_in_tests(before):
    images = made_up()
    model = network(dropout=0.5)
    modes = []
    model[4].register_forward_hook(
        lambda layer, args, output: modes.append(layer.training)
    )
    model.train(before)
    history = fit(model, images, epochs=2)
    epoch = [True] * 3 + [False] * 2
    assert modes == [False, *epoch, *epoch]
    assert not any(module.training for module in model.modules())
    found = training.evaluate(model, images, batch_size=16)
    assert found["loss"] == history["test_loss"][-1]


def test_the_model_itself_is_trained_and_stays_an_ordinary_one():
    model = plain_network()
    training.evaluate(model, made_up())
    before = weights(model)
    assert fit(model, made_up(), bf16=True)
    pairs = zip(before, weights(model), strict=True)
    assert all(a != b for a, b in pairs)
    assert "forward" not in vars(model)
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert type(model[3]) is nn.Linear


def test_convolutions_compute_channels_last():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 2), nn.Flatten()
    )
    layouts = []
    model[1].register_forward_hook(
        lambda layer, args, output: layouts.append(
            output.is_contiguous(memory_format=torch.channels_last)
            and not output.is_contiguous()
        )
    )
    fit(model, made_up(side=6), epochs=1)
    assert model[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(layouts[1:])


# bfloat16


def test_bf16_learns_and_computes_in_bfloat16():
    images = made_up()
    dtypes = {"conv": set(), "scores": set()}
    model = network()
    model[0].register_forward_hook(
        lambda layer, args, output: dtypes["conv"].add(output.dtype)
    )
    history = fit(model, images, epochs=1)
    assert dtypes["conv"] == {torch.float32}
    dtypes["conv"].clear()
    model[0].register_forward_hook(
        lambda layer, args, output: dtypes["conv"].add(output.dtype)
    )
    history = fit(
        model,
        images,
        epochs=10,
        bf16=True,
        optimizer="adamw",
        learning_rate=0.01,
    )
    assert torch.bfloat16 in dtypes["conv"]
    assert history["test_accuracy"][-1] > 0.9
    rough = training.evaluate(model, images, batch_size=16, bf16=True)
    fine = training.evaluate(model, images, batch_size=16)
    assert rough["loss"] == history["test_loss"][-1]
    assert rough["loss"] != fine["loss"]
    assert rough["loss"] == pytest.approx(fine["loss"], rel=0.1)


# evaluate


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("batch_size", [7, 40, 100])
def test_evaluate_equals_a_loop_by_hand(split, batch_size):
    images = made_up(train=40, test=21)
    model = network(dropout=0.3)
    fit(model, images, learning_rate=0.01)
    X = getattr(images, f"{split}_images") / 255
    y = getattr(images, f"{split}_labels")
    losses, hits = 0.0, 0
    with torch.no_grad():
        for image, label in zip(X, y, strict=True):
            scores = model(image.unsqueeze(0))[0]
            losses -= scores.log_softmax(0)[label].item()
            hits += int(scores.argmax() == label)
    model.train()
    found = training.evaluate(model, images, split, batch_size=batch_size)
    assert set(found) == {"loss", "accuracy"}
    assert found["loss"] == pytest.approx(losses / len(y), rel=1e-5)
    assert found["accuracy"] == pytest.approx(hits / len(y))
    assert json.loads(json.dumps(found)) == found


def test_evaluate_tests_unless_told_otherwise():
    images, model = made_up(), network()
    fit(model, images)
    default = training.evaluate(model, images)
    assert default == training.evaluate(model, images, "test")
    assert default != training.evaluate(model, images, "train")


def test_evaluate_resizes(digits):
    torch.manual_seed(0)
    model = LeNet()
    training.evaluate(model, digits, size=20)
    assert model.classifier[1].in_features == 16 * 3 * 3


def test_evaluate_leaves_modes_weights_and_random_numbers():
    model, images = network(dropout=0.5), made_up()
    fit(model, images)
    model.train()
    model[1].eval()  # a frozen layer
    modes = [module.training for module in model.modules()]
    before, state = weights(model), torch.get_rng_state()
    training.evaluate(model, images)
    assert [module.training for module in model.modules()] == modes
    assert weights(model) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"split": "valid"}, "'valid'"),
        ({"batch_size": 0}, "batch_size"),
        ({"size": -1}, "size"),
    ],
)
def test_evaluate_refuses(arguments, word):
    with pytest.raises(ValueError, match=word):
        training.evaluate(network(), made_up(), **arguments)


# The same seed, the same numbers


def test_the_same_seed_gives_the_same_numbers():
    results = []
    for seed in (3, 3, 4):
        model = network(dropout=0.5)
        history = fit(model, made_up(), seed=seed, augment=flip)
        results.append((numbers(history), weights(model)))
        torch.rand(7)  # what happens between two trainings is no matter
    assert results[0] == results[1]
    assert results[0][0] != results[2][0]
    assert results[0][1] != results[2][1]


def test_the_seed_is_not_that_of_the_initial_weights():
    first, second = network(seed=1), network(seed=2)
    fit(first, made_up(), epochs=1)
    fit(second, made_up(), epochs=1)
    assert weights(first) != weights(second)


def test_a_lazy_layer_draws_what_it_would_have_drawn_before():
    images = made_up()
    early = network()
    early(images.test_images[:1] / 255)  # draws the dense weights
    late = network()
    assert early[5].weight.shape == (3, 64)
    assert late[5].has_uninitialized_params()
    early.load_state_dict(fresh_statistics(early))
    assert numbers(fit(early, images)) == numbers(fit(late, images))
    assert weights(early) == weights(late)


def fresh_statistics(model: nn.Module) -> dict:
    """Return the state with batch norm's statistics as at the start."""
    state = model.state_dict()
    return {**state, **nn.BatchNorm2d(4).state_dict(prefix="1.")}


def test_epochs_orders_and_noise_have_seeds_of_their_own():
    seeds = [
        training._seed(seed, *rest)
        for seed in range(10)
        for epoch in range(1, 10)
        for rest in [(epoch,), (epoch, 1), (epoch, 2)]
    ]
    assert len(set(seeds)) == len(seeds)


def test_noise_differs_with_the_epoch_and_the_seed_and_from_orders():
    draws, seeds = [], []

    def look(X):
        draws.append(torch.rand(()).item())
        seeds.append(torch.initial_seed())
        return X

    for seed in (0, 1):
        fit(network(), made_up(16), epochs=5, augment=look, seed=seed)
    assert len(set(draws)) == 10
    orders = {training._seed(s, e) for s in (0, 1) for e in range(6)}
    assert not orders & set(seeds)


def test_random_numbers_go_on_as_if_nothing_had_been():
    torch.manual_seed(1)
    expected = torch.rand(3)
    model = network(dropout=0.5)
    torch.manual_seed(1)
    fit(model, made_up(), augment=flip)
    assert torch.equal(torch.rand(3), expected)


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> list:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(output)


@pytest.fixture(scope="module")
def unbroken() -> list[list]:
    """What two processes print that run without a break."""
    processes = [start(), start()]
    return [finish(process) for process in processes]


def test_two_processes_give_the_same_bits(unbroken):
    assert len(unbroken[0][0]["test_loss"]) == 20
    assert unbroken[0] == unbroken[1]


# Checkpoints


SETTINGS = {
    "epochs": 4,
    "learning_rate": 0.02,
    "optimizer": "adamw",
    "schedule": "one-cycle",
    "weight_decay": 0.01,
    "augment": flip,
    "seed": 2,
}


def train(checkpoint=None, **changes) -> tuple[dict, list[bytes]]:
    """Train a new network with all that can be random."""
    model = network(dropout=0.3)
    settings = {**SETTINGS, "checkpoint": checkpoint, **changes}
    history = fit(model, made_up(), **settings)
    return numbers(history), weights(model)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KilledIn:
    """Flip, but the n-th call on a batch kills the process."""

    def __init__(self, call: int):
        self.left = call

    def __call__(self, X):
        if self.left == 0:
            die()
        self.left -= 1
        return flip(X)


@pytest.mark.parametrize("call", [1, 3, 4, 6, 9, 12])
def test_killed_in_an_epoch_it_resumes(tmp_path, call):
    # Call 0 is fit's look at what augment does; then 3 calls an epoch.
    path = tmp_path / "run.pt"
    assert killed(lambda: train(path, augment=KilledIn(call)))
    finished = (call - 1) // 3
    assert path.exists() == (finished > 0)
    if finished:
        assert epochs_in(path) == finished
    assert train(path) == train()
    assert epochs_in(path) == 4


def epochs_in(path) -> int:
    saved = torch.load(path, weights_only=True)
    return len(saved["history"]["seconds"])


@pytest.mark.parametrize("moment", ["halfway", "written", "replaced"])
@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_killed_while_saving_it_resumes(
    tmp_path, monkeypatch, moment, epoch
):
    path = tmp_path / "run.pt"
    left = epoch

    def save(content, file):
        nonlocal left
        left -= 1
        torch_save(content, file)
        if moment == "halfway" and left == 0:
            with open(file, "r+b") as draft:
                draft.truncate(os.path.getsize(file) // 2)
            die()

    def replace(source, target):
        if moment == "written" and left == 0:
            die()
        os_replace(source, target)
        if moment == "replaced" and left == 0:
            die()

    torch_save, os_replace = torch.save, os.replace
    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", save)
        patch.setattr(os, "replace", replace)
        assert killed(lambda: train(path))
    finished = epoch if moment == "replaced" else epoch - 1
    assert path.exists() == (finished > 0)
    if finished:
        assert epochs_in(path) == finished
    assert train(path) == train()
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("room", [0, 100, 2_000])
def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path, room):
    path = tmp_path / "run.pt"
    assert killed(lambda: train(path, augment=KilledIn(9)))
    with full_disk(room), pytest.raises((OSError, RuntimeError)):
        train(path)
    assert epochs_in(path) == 2
    assert train(path) == train()


@pytest.mark.parametrize(
    "attempt",
    [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 20))],
)
def test_killed_at_a_random_moment_it_resumes(tmp_path, unbroken, attempt):
    path = tmp_path / "run.pt"
    process = start(path)
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(random.Random(attempt).uniform(0, 0.3))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 1 <= epochs_in(path) < 20
    assert finish(start(path)) == unbroken[0]


def test_a_finished_training_is_read_and_not_repeated(tmp_path):
    path = tmp_path / "new" / "folder" / "run.pt"
    first = train(path)
    written = path.read_bytes()
    model = network(dropout=0.3)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    history = fit(model, made_up(), checkpoint=str(path), **SETTINGS)
    assert (numbers(history), weights(model)) == first
    assert len(history["seconds"]) == 4
    assert len(calls) == 1  # the image that gives lazy layers their shape
    assert not model.training
    assert path.read_bytes() == written


def test_a_checkpoint_changes_no_number(tmp_path):
    assert train(tmp_path / "run.pt") == train()


def test_random_numbers_before_fit_do_not_hinder_resuming(tmp_path):
    histories = []
    for draws in (1, 2):
        model = network()
        training.evaluate(model, made_up())
        torch.rand(draws)
        path = tmp_path / "run.pt"
        histories.append(fit(model, made_up(), checkpoint=path, **SETTINGS))
    assert histories[0] == histories[1]


OTHER_SETTINGS = {
    "epochs": 5,
    "batch_size": 8,
    "learning_rate": 0.01,
    "seed": 3,
    "size": 5,
    "optimizer": "sgd",
    "schedule": "constant",
    "weight_decay": 0.02,
    "bf16": True,
}


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_other_settings_are_refused(tmp_path, name):
    path = tmp_path / "run.pt"
    train(path)
    written = path.read_bytes()
    value = OTHER_SETTINGS[name]
    with pytest.raises(ValueError, match="another training") as caught:
        train(path, **{name: value})
    message = str(caught.value)
    assert str(path) in message
    assert f"{name} is" in message
    assert f"{value!r} here" in message
    assert "delete" in message
    assert path.read_bytes() == written


def test_every_setting_of_fit_belongs_to_a_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    train(path)
    kept = set(torch.load(path, weights_only=True)["settings"])
    asked = set(inspect.signature(training.fit).parameters)
    other = {"images", "augment", "checkpoint", "progress"}
    assert asked - kept == other
    assert set(OTHER_SETTINGS) <= kept


def half_flipped(X):
    flip = torch.rand(len(X), 1, 1, 1) < 0.4
    return torch.where(flip, X.flip(3), X)


@pytest.mark.parametrize("augment", [half_flipped, None])
def test_another_augmentation_is_refused(tmp_path, augment):
    train(tmp_path / "run.pt")
    with pytest.raises(ValueError, match="augmentation is"):
        train(tmp_path / "run.pt", augment=augment)


def test_the_same_augmentation_by_another_name_is_not(tmp_path):
    first = train(tmp_path / "run.pt")
    assert train(tmp_path / "run.pt", augment=lambda X: flip(X)) == first


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (network(seed=1, dropout=0.3), "initial weights is"),
        (network(dropout=0.4), "model is"),
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), "model is"),
    ],
)
def test_another_model_is_refused(tmp_path, model, word):
    train(tmp_path / "run.pt")
    with pytest.raises(ValueError, match=word) as caught:
        fit(model, made_up(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    assert "anew under the same seed" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["train_images", "train_labels", "test_images", "test_labels"]
)
def test_other_images_are_refused(tmp_path, name):
    train(tmp_path / "run.pt")
    images = made_up()
    getattr(images, name)[-1] = 1 - getattr(images, name)[-1].clamp(0, 1)
    word = "training images is" if "train" in name else "test images is"
    with pytest.raises(ValueError, match=word):
        fit(
            network(dropout=0.3),
            images,
            checkpoint=tmp_path / "run.pt",
            **SETTINGS,
        )


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(tmp_path, kept):
    path = tmp_path / "run.pt"
    train(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match="damaged") as caught:
        train(path)
    assert str(path) in str(caught.value)
    assert "Delete it" in str(caught.value)


@pytest.mark.parametrize("content", [[1, 2], {"weight": torch.ones(2)}])
def test_another_file_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="another file"):
        train(tmp_path / "run.pt")


def test_no_code_is_run_by_loading(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    torch.save({"settings": Trap()}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="another file"):
        train(tmp_path / "run.pt")
    assert not (tmp_path / "sprung").exists()


# What is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, ["epochs", "0"]),
        ({"epochs": -2}, ["epochs", "-2"]),
        ({"epochs": 1.5}, ["epochs", "1.5"]),
        ({"batch_size": 0}, ["batch_size", "0"]),
        ({"size": 0}, ["size", "0"]),
        ({"learning_rate": 0}, ["learning_rate", "0"]),
        ({"learning_rate": -0.1}, ["learning_rate", "-0.1"]),
        ({"learning_rate": math.inf}, ["learning_rate", "inf"]),
        ({"learning_rate": math.nan}, ["learning_rate", "nan"]),
        ({"weight_decay": -1.0}, ["weight_decay", "-1.0"]),
        ({"weight_decay": math.inf}, ["weight_decay", "inf"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"seed": 0.5}, ["seed", "0.5"]),
        ({"optimizer": "adam"}, ["'adam'", '"sgd"', '"adamw"']),
        ({"schedule": "step"}, ["'step'", '"constant"', '"one-cycle"']),
    ],
)
def test_settings_without_sense(settings, words):
    model = network()
    before = weights(model[:2])
    with pytest.raises(ValueError) as caught:
        fit(model, made_up(), **settings)
    assert all(word in str(caught.value) for word in words)
    assert weights(model[:2]) == before


def test_an_image_that_is_too_small_for_the_model(digits):
    with pytest.raises(ValueError, match="12 x 12"):
        fit(LeNet(), digits)


def spoilt_from(call: int, value: float):
    calls = 0

    def spoil(X):
        nonlocal calls
        calls += 1
        return torch.full_like(X, value) if calls >= call else X

    return spoil


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(value, tmp_path):
    model = network()
    with pytest.raises(ValueError, match="loss is nan") as caught:
        fit(
            model,
            made_up(),
            augment=spoilt_from(5, value),
            learning_rate=0.25,
        )
    message = str(caught.value)
    assert "epoch 2, batch 2" in message
    assert "smaller than 0.25" in message
    # It stops before the step that would have spoilt the weights.
    assert all(p.isfinite().all() for p in model.parameters())


def test_a_step_that_blows_up_is_found_at_the_latest_by_the_test(tmp_path):
    images, path = made_up(train=16), tmp_path / "run.pt"
    with pytest.raises(ValueError, match="loss is nan in epoch 1, batch 1"):
        fit(plain_network(), images, learning_rate=1e38, checkpoint=path)
    assert not path.exists()


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_cycle_of_few_steps(epochs):
    images = made_up(train=8)
    history = fit(network(), images, epochs=epochs, schedule="one-cycle")
    assert len(history["seconds"]) == epochs


# The progress line


class Terminal:
    """A standard output that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_quiet(capfd):
    fit(network(), made_up())
    assert capfd.readouterr() == ("", "")


def test_a_file_gets_the_result_only(capfd):
    history = fit(network(), made_up(), epochs=2, progress=True)
    output, errors = capfd.readouterr()
    loss, accuracy = history["train_loss"][1], history["test_accuracy"][1]
    assert output == (
        f"2 epochs, loss {loss:.3f}, test accuracy {accuracy:.3f}\n"
    )
    assert errors == ""


def test_a_terminal_gets_one_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    moments = iter(range(10_000))
    clock = SimpleNamespace(
        monotonic=lambda: next(moments), perf_counter=time.perf_counter
    )
    monkeypatch.setattr(training, "time", clock)
    fit(network(), made_up(), epochs=2, progress=True)
    assert terminal.text.count("\n") == 1
    assert terminal.text.endswith("\n")
    lines = terminal.text.split("\r")[1:]
    assert lines[0].startswith("epoch 1 of 2, batch 1 of 3, loss ")
    assert lines[5].startswith("epoch 2 of 2, batch 3 of 3, loss ")
    assert lines[6].startswith("2 epochs, loss ")
    assert len(lines) == 7
    # What is longer is overwritten by spaces.
    assert {len(line.rstrip("\n")) for line in lines} == {60}


def test_a_line_is_updated_at_most_twice_a_second(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    now = 100.0
    monkeypatch.setattr(
        training, "time", SimpleNamespace(monotonic=lambda: now)
    )
    line = training.ProgressLine(True)
    for text in ("first", "too soon"):
        line.show(text)
    now = 100.6
    line.show("second")
    line.show("result", last=True)
    assert terminal.text.split() == ["first", "second", "result"]


@pytest.mark.slow
def test_a_notebook_keeps_one_small_output():
    code = """
import torch
from helpers import data, training
from helpers.models import ModernLeNet
torch.set_num_threads(1)
torch.manual_seed(0)
history = training.fit(
    ModernLeNet(), data.load("digits"), epochs=2, size=12
)
"""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    client = NotebookClient(
        notebook, kernel_name="python3", record_timing=False
    )
    client.execute()
    (output,) = notebook.cells[0].outputs
    assert output["output_type"] == "display_data"
    assert list(output["data"]) == ["text/plain"]
    assert output["data"]["text/plain"].startswith("2 epochs, loss 2.")
    assert len(json.dumps(output)) < 200


# Several processes

TOGETHER = """
import json, sys, hashlib
import torch
from helpers import data, train, training
from helpers.models import ModernLeNet
from torch import nn

shares, saved, save = [], [], training._save

def look(X):
    shares.append(len(X))
    return X

def count(*arguments):
    saved.append(1)
    save(*arguments)

training._save = count
torch.manual_seed(0)
model = ModernLeNet()
model.features.insert(1, nn.BatchNorm2d(6))
images = data.load("digits")
history = training.fit(
    model, images, epochs=6, size=16, batch_size=64, optimizer="adamw",
    schedule="one-cycle", learning_rate=0.01, checkpoint=sys.argv[1],
    augment=look,
)
digest = hashlib.sha256()
for value in model.parameters():
    digest.update(value.detach().numpy().tobytes())
tested = training.evaluate(model, images, size=16)
rank = training._accelerator().process_index
with open(f"{sys.argv[1]}.{rank}", "w") as file:
    counts = len(saved), shares[1:]  # the first is a trial
    json.dump([digest.hexdigest(), history, tested, counts], file)
train._end(0)
"""


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path, digits):
    script = tmp_path / "together.py"
    script.write_text(TOGETHER)
    checkpoint = tmp_path / "run.pt"
    for saved in (6, 0):  # the second time from the checkpoint
        result = subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run"),
                *("--standalone", "--nproc-per-node", "2"),
                *(str(script), str(checkpoint)),
            ],
            env={**os.environ, "ACCELERATE_USE_CPU": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("6 epochs, loss") == 1
        first, second = (
            json.loads((tmp_path / f"run.pt.{rank}").read_text())
            for rank in (0, 1)
        )
        assert first[0] == second[0]
        assert numbers(first[1]) == numbers(second[1])
        assert first[1]["test_accuracy"][-1] > 0.9
        assert first[2] == second[2]
        # A batch is shared; the last one is filled up to be even.
        shares = ([32] * 23) * 6 if saved else []
        assert first[3] == [saved, shares]
        assert second[3] == [0, shares]
    # The history counts each image once, although 360 / 64 is not whole.
    hits = first[1]["test_accuracy"][-1] * 360
    assert hits == pytest.approx(round(hits), abs=1e-6)
    hits = first[1]["train_accuracy"][-1] * 1437
    assert hits == pytest.approx(round(hits), abs=1e-6)
