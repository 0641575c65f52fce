"""Training from the command line, alone, together and after a kill.

Most tests call `train.main` in this process; what needs processes of its
own, a launcher or a kill starts them, on the embedded digits.
"""

import inspect
import io
import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from processes import children_of, killed

from helpers import data, models, train, training
from helpers.training import flip, shift

ROOT = Path(__file__).parent.parent
KEYS = list(training.HISTORY)
FILES = sorted(train.FILES)

# A small run that learns: the sigmoid LeNet of the book needs longer.
NETWORK = ["modern-lenet", "--data", "digits", "--size", "12"]
LEARN = ["--optimizer", "adamw", "--learning-rate", "0.01"]
SHORT = [*NETWORK, *LEARN, "--epochs", "2", "--augment", "shift"]
BLOW_UP = ["--optimizer", "sgd", "--learning-rate", "1e38"]
LONG = [*NETWORK, *LEARN, "--epochs", "20", "--schedule", "one-cycle"]

# The program with training images that full batches of 128 make up, so
# that no process has to fill one. It notes who writes; FAULT breaks it.
CUT = """
import os
from dataclasses import replace
from helpers import data, train, training

rank, fault = int(os.environ.get("RANK", 0)), os.environ.get("FAULT")
load, write, save = data.load, train._write, training._save

def cut(name):
    if fault == "one process has no data" and rank == 1:
        raise data.DataError("no data in process 1")
    digits = load(name)
    return replace(
        digits,
        train_images=digits.train_images[:1280],
        train_labels=digits.train_labels[:1280],
    )

def note(path):
    with open(os.environ["NOTES"], "a") as notes:
        print(rank, path.name, file=notes)

def noted_write(path, content):
    note(path)
    if fault == "disk full" and path.name == "history.json":
        raise OSError(28, "No space left on device")
    write(path, content)

def noted_save(path, *rest):
    note(path)
    save(path, *rest)

data.load, train._write, training._save = cut, noted_write, noted_save
train.main()
"""

# The program with threads for the exchange (Linux gives them this name)
# that from the end of training on get the processor only when nobody else
# wants it. So they are late in letting go of what they exchanged last.
SLOW_THREADS = """
import os
from pathlib import Path
from helpers import train, training

fit = training.fit

def slowed(*arguments, **settings):
    history = fit(*arguments, **settings)
    names = Path("/proc/self/task").glob("*/comm")
    idle = [n for n in names if n.read_text() == "pt_gloo_runloop\\n"]
    assert idle
    for name in idle:
        thread = int(name.parent.name)
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    return history

training.fit = slowed
train.main()
"""


def main(*arguments: object) -> None:
    train.main([str(argument) for argument in arguments])


def refused(capsys, *arguments: object) -> tuple[str, int]:
    """Run in vain; return the one line of the error, and the status."""
    with pytest.raises(SystemExit) as caught:
        main(*arguments)
    errors = capsys.readouterr().err
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    return errors.strip(), caught.value.code


def command(*arguments: object, processes: int = 1) -> list[str]:
    """Return the line that starts the program, under torchrun if needed.

    The first argument may be a script in place of the module.
    """
    launcher = [sys.executable]
    if processes > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone"]
        launcher += ["--nproc-per-node", str(processes)]
    if str(arguments[0]).endswith(".py"):
        return [*launcher, *map(str, arguments)]
    return [*launcher, "-m", "helpers.train", *map(str, arguments)]


def environment(**variables: object) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    variables = {"OMP_NUM_THREADS": 1, "PYTHONPATH": path, **variables}
    return {**os.environ, **{k: str(v) for k, v in variables.items()}}


def launch(*arguments, processes=1, **variables):
    """Run the program to its end, in processes of its own."""
    return subprocess.run(
        command(*arguments, processes=processes),
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
    )


def history(out: Path) -> dict:
    """Return the history without the seconds."""
    found = json.loads((out / "history.json").read_text())
    return {k: v for k, v in found.items() if k != "seconds"}


def weights(out: Path) -> dict[str, list]:
    saved = torch.load(out / "model.pt", weights_only=True)
    return {name: value.tolist() for name, value in saved.items()}


def epochs_in(out: Path) -> int:
    saved = torch.load(out / "checkpoint.pt", weights_only=True)
    return len(saved["history"]["seconds"])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Path:
    """A short run that nothing disturbed."""
    out = tmp_path_factory.mktemp("unbroken")
    main(*SHORT, "--out", out)
    return out


# A run from beginning to end


def test_a_run_from_beginning_to_end(tmp_path):
    out = tmp_path / "new" / "run"
    result = launch(*NETWORK, *LEARN, "--epochs", 3, "--out", out)
    assert result.stderr == ""
    assert result.returncode == 0
    found = json.loads((out / "history.json").read_text())
    loss, accuracy = found["train_loss"][-1], found["test_accuracy"][-1]
    assert result.stdout.splitlines() == [
        "modern-lenet on digits, processes: 1, device: "
        f"{training._accelerator().device.type}",
        f"3 epochs, loss {loss:.3f}, test accuracy {accuracy:.3f}",
        f"{out}: history.json, curve.png, model.pt",
    ]
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert list(found) == KEYS
    assert all(len(values) == 3 for values in found.values())
    assert accuracy > 0.8
    saved = torch.load(out / "checkpoint.pt", weights_only=True)
    assert saved["history"] == found

    model = models.build("modern-lenet")
    saved = torch.load(out / "model.pt", weights_only=True)
    model.load_state_dict(saved)
    tested = training.evaluate(model, data.load("digits"), size=12)
    assert tested["accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert tested["loss"] == pytest.approx(found["test_loss"][-1])


def test_it_is_what_fit_does_under_the_same_seed(tmp_path):
    main(
        *SHORT, "--seed", 3, "--augment", "flip", "shift", "--out", tmp_path
    )
    torch.manual_seed(3)
    model = models.build("modern-lenet")
    expected = training.fit(
        model,
        data.load("digits"),
        epochs=2,
        size=12,
        seed=3,
        optimizer="adamw",
        learning_rate=0.01,
        augment=lambda X: shift(flip(X)),
        progress=False,
    )
    del expected["seconds"]
    assert history(tmp_path) == expected
    assert weights(tmp_path) == {
        name: value.tolist() for name, value in model.state_dict().items()
    }


def test_every_setting_reaches_fit(tmp_path, monkeypatch, capsys):
    settings = {
        "epochs": 7,
        "batch_size": 50,
        "learning_rate": 0.25,
        "seed": 5,
        "size": 14,
        "optimizer": "adamw",
        "schedule": "one-cycle",
        "weight_decay": 0.125,
    }
    got = {}

    def fit(model, images, **given):
        got.update(given, model=type(model), images=images.name)
        raise ValueError("seen enough")

    monkeypatch.setattr(training, "fit", fit)
    arguments = []
    for name, value in settings.items():
        arguments += [f"--{name.replace('_', '-')}", value]
    arguments += ["--data", "digits", "--bf16", "--out", tmp_path / "run"]
    assert "seen enough" in refused(capsys, "lenet", *arguments)[0]
    assert got == {
        **settings,
        "model": models.LeNet,
        "images": "digits",
        "bf16": True,
        "augment": None,
        "checkpoint": tmp_path / "run" / "checkpoint.pt",
    }


def test_defaults_are_those_of_fit():
    parsed = vars(train._parser().parse_args(["lenet", "--out", "x"]))
    parameters = inspect.signature(training.fit).parameters
    shared = set(parsed) & set(parameters) - {"epochs", "augment"}
    assert len(shared) == 8
    for name in shared:
        assert parsed[name] == parameters[name].default, name
    assert train._augmentation(parsed["augment"]) is None
    assert parsed["data"] == "fashion-mnist"


def test_settings_say_how_it_was_started(unbroken):
    assert json.loads((unbroken / "settings.json").read_text()) == {
        "network": "modern-lenet",
        "data": "digits",
        "epochs": 2,
        "batch_size": 128,
        "learning_rate": 0.01,
        "optimizer": "adamw",
        "schedule": "constant",
        "weight_decay": 0.0,
        "augment": ["shift"],
        "size": 12,
        "seed": 0,
        "bf16": False,
    }


@pytest.mark.parametrize("epochs", [1, 4])
def test_the_curve_has_four_lines(epochs):
    values = [0.2 + 0.1 * epoch for epoch in range(epochs)]
    runs = {}
    for k, name in enumerate([*KEYS[:4], None]):
        made_up = dict.fromkeys(KEYS, [2.0] * epochs)
        made_up |= {name: values} if name else {}
        with Image.open(io.BytesIO(train._curve(made_up))) as picture:
            assert picture.format == "PNG"
            assert picture.width >= 600
            runs[k] = picture.tobytes()
    # Each of the four changes the picture, even as a single point.
    assert len(set(runs.values())) == 5


def test_help_explains_every_argument(capsys):
    with pytest.raises(SystemExit) as caught:
        main("--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for action in train._parser()._actions:
        assert action.help, action
        assert all(name in text for name in action.option_strings)
    for words in [
        "torchrun --nproc-per-node 2",
        "torchrun --nnodes 2",
        "--rdzv-endpoint HOST:29500",
        "accelerate launch -m",
        *models.NETWORKS,
        *train.FILES,
    ]:
        assert words in text


def test_the_examples_in_the_help_are_valid():
    text = train.__doc__.replace("\\\n", "")
    lines = [line for line in text.splitlines() if line[:2] == "  "]
    examples = [line for line in lines if "-m helpers.train" in line]
    assert len(examples) == 3
    for example in examples:
        arguments = shlex.split(example.split("-m helpers.train")[1])
        assert train._parser().parse_args(arguments).network == "resnet18"


# What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet17"], ["network", "resnet17", "resnet18", "lenet"]),
        (["lenet", "--data", "cifar"], ["--data", "cifar", "mnist"]),
        (["lenet", "--optimizer", "adam"], ["--optimizer", "adamw"]),
        (["lenet", "--schedule", "step"], ["--schedule", "one-cycle"]),
        (["lenet", "--augment", "turn"], ["--augment", "flip"]),
        (["lenet", "--epochs", "0"], ["--epochs", "from 1 on", "'0'"]),
        (["lenet", "--epochs", "1.5"], ["--epochs", "'1.5'"]),
        (["lenet", "--batch-size", "-8"], ["--batch-size", "'-8'"]),
        (["lenet", "--size", "0"], ["--size", "from 1 on", "'0'"]),
        (["lenet", "--seed", "-1"], ["--seed", "from 0 on", "'-1'"]),
        (["lenet", "--seed", str(2**63)], ["--seed", str(2**63)]),
        (["lenet", "--learning-rate", "x"], ["--learning-rate", "'x'"]),
        (["lenet", "--learning", "1"], ["--learning"]),
        (["lenet", "resnet18"], ["resnet18"]),
        ([*SHORT, "--learning-rate", "0"], ["learning_rate", "0.0"]),
        ([*SHORT, "--weight-decay", "-1"], ["weight_decay", "-1.0"]),
        ([*SHORT, "--size", "8"], ["(1, 1, 8, 8)", "12 x 12"]),
        ([*SHORT, *BLOW_UP], ["loss is", "epoch 1", "smaller than 1e+38"]),
    ],
)
def test_a_refused_run_leaves_nothing(tmp_path, capsys, arguments, words):
    out = tmp_path / "a" / "b"
    message, status = refused(capsys, *arguments, "--out", out)
    assert status == 2
    assert all(word in message for word in words), message
    assert list(tmp_path.iterdir()) == []


def test_an_argument_that_is_missing(capsys):
    message, status = refused(capsys)
    assert "network" in message
    assert "--out" in message
    assert "--help" in message
    assert status == 2


def test_data_that_cannot_be_had(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "file"))
    out = tmp_path / "run"
    message, status = refused(capsys, "lenet", "--out", out)
    assert "fashion-mnist is to be downloaded" in message
    assert "BOOK_DATA" in message
    assert status == 1
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_where_a_folder_should_be(tmp_path, capsys, name):
    (tmp_path / "file").write_text("mine")
    message, status = refused(capsys, *SHORT, "--out", tmp_path / name)
    assert f"{tmp_path / name} cannot be made" in message
    assert "name another one with --out" in message
    assert status == 2
    assert contents(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", train.FILES)
def test_a_folder_that_holds_a_run(tmp_path, capsys, name):
    (tmp_path / name).write_text("kept")
    message, status = refused(capsys, *SHORT, "--out", tmp_path)
    assert f"{tmp_path} holds a run already" in message
    assert "add --resume" in message
    assert "name another folder with --out" in message
    assert status == 2
    assert contents(tmp_path) == {name: b"kept"}


def test_other_files_in_the_folder_stay(tmp_path, capsys):
    (tmp_path / "log.txt").write_text("kept")
    refused(capsys, *SHORT, "--size", 8, "--out", tmp_path)
    assert contents(tmp_path) == {"log.txt": b"kept"}
    main(*SHORT, "--epochs", 1, "--out", tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*FILES, "log.txt"])
    assert (tmp_path / "log.txt").read_text() == "kept"


def test_an_error_in_code_keeps_its_traceback(tmp_path, monkeypatch):
    def fit(*arguments, **settings):
        raise KeyError("a bug")

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(KeyError, match="a bug"):
        main(*SHORT, "--out", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_error_after_the_first_epoch_keeps_the_run(
    tmp_path, capsys, monkeypatch, unbroken
):
    steps = 0

    def spoil(X):
        nonlocal steps
        steps += 1  # the first is a trial, then 12 an epoch
        return shift(X) * (float("nan") if steps > 15 else 1)

    with monkeypatch.context() as patch:
        patch.setitem(train.AUGMENTATIONS, "shift", spoil)
        message, status = refused(capsys, *SHORT, "--out", tmp_path)
    assert "loss is nan in epoch 2, batch 3" in message
    assert status == 2
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint.pt",
        "settings.json",
    ]
    main(*SHORT, "--out", tmp_path, "--resume")
    assert history(tmp_path) == history(unbroken)


# Resuming


@pytest.mark.parametrize("name", ["missing", "empty", "file/run"])
def test_nothing_to_resume(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / name
    message, status = refused(capsys, *SHORT, "--out", out, "--resume")
    assert f"{out} holds no run to go on with" in message
    assert "leave out --resume" in message
    assert status == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--epochs", 3, "epochs is 2 there and 3 here"),
        ("--batch-size", 64, "batch_size is 128 there and 64 here"),
        ("--learning-rate", 0.02, "learning_rate is 0.01 there and 0.02"),
        ("--optimizer", "sgd", "optimizer is 'adamw' there and 'sgd' here"),
        ("--schedule", "one-cycle", "schedule is 'constant' there"),
        ("--weight-decay", 0.1, "weight_decay is 0.0 there and 0.1 here"),
        ("--augment", "flip", "augment is ['shift'] there and ['flip']"),
        ("--size", 16, "size is 12 there and 16 here"),
        ("--seed", 1, "seed is 0 there and 1 here"),
        ("--data", "mnist", "data is 'digits' there and 'mnist' here"),
    ],
)
def test_other_settings_are_refused(unbroken, capsys, option, value, words):
    before = contents(unbroken)
    arguments = [*SHORT, option, value, "--out", unbroken, "--resume"]
    message, status = refused(capsys, *arguments)
    assert f"{unbroken} holds a run with other settings" in message
    assert words in message
    assert message.count(" there and ") == 1
    assert status == 2
    assert contents(unbroken) == before


def test_all_other_settings_are_named(unbroken, capsys):
    message, _ = refused(
        *(capsys, "lenet", *SHORT[1:], "--bf16"),
        *("--out", unbroken, "--resume"),
    )
    assert "network is 'modern-lenet' there and 'lenet' here" in message
    assert "bf16 is False there and True here" in message


@pytest.mark.parametrize("content", ["", "{", "[1]", "3"])
def test_damaged_settings(tmp_path, capsys, content):
    (tmp_path / "settings.json").write_text(content)
    arguments = [*SHORT, "--out", tmp_path, "--resume"]
    message, status = refused(capsys, *arguments)
    assert f"{tmp_path / 'settings.json'} is damaged" in message
    assert status == 2
    assert contents(tmp_path) == {"settings.json": content.encode()}


def test_a_damaged_checkpoint(tmp_path, capsys, unbroken):
    for name in ("settings.json", "checkpoint.pt"):
        content = (unbroken / name).read_bytes()
        (tmp_path / name).write_bytes(content)
    (tmp_path / "checkpoint.pt").write_bytes(content[:1000])
    before = contents(tmp_path)
    message, _ = refused(capsys, *SHORT, "--out", tmp_path, "--resume")
    assert "checkpoint.pt cannot be read" in message
    assert contents(tmp_path) == before


def test_a_finished_run_is_not_repeated(tmp_path, unbroken, capsys):
    for name, content in contents(unbroken).items():
        if name in ("settings.json", "checkpoint.pt"):
            (tmp_path / name).write_bytes(content)
    main(*SHORT, "--out", tmp_path, "--resume")
    for name in FILES:
        if name != "model.pt":  # the file names itself inside
            expected = (unbroken / name).read_bytes()
            assert (tmp_path / name).read_bytes() == expected
    assert weights(tmp_path) == weights(unbroken)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(6))
def test_killed_at_any_write_it_resumes(
    tmp_path, monkeypatch, capsys, unbroken, write, after
):
    # Writes: settings, two checkpoints, history, curve, weights.
    os_replace, left = os.replace, write

    def replace(source, target):
        nonlocal left
        if after:
            os_replace(source, target)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        if not after:
            os_replace(source, target)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        assert killed(lambda: main(*SHORT, "--out", out))
    done = write + after  # files that are whole
    assert (out / "settings.json").exists() == (done > 0)
    assert (out / "checkpoint.pt").exists() == (done > 1)
    assert (out / "history.json").exists() == (done > 3)
    resume = [*SHORT, "--out", out, "--resume"]
    if done == 0:
        assert "leave out --resume" in refused(capsys, *resume)[0]
        resume.pop()
    main(*resume)
    assert sorted(os.listdir(out)) == FILES
    assert history(out) == history(unbroken)
    assert weights(out) == weights(unbroken)


def stopped(*arguments: object, out: Path, processes: int = 1) -> None:
    """Start a run, and kill all of it at a random moment of training.

    The workers of torchrun lead sessions of their own: no signal to the
    launcher or to its group kills them, so each gets one. All processes
    of the run hold the same standard output, which ends with the last.
    """
    process = subprocess.Popen(
        command(*arguments, "--out", out, processes=processes),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while not (out / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.005)
    workers = children_of(process.pid)
    assert len(workers) == (processes if processes > 1 else 0)
    time.sleep(random.uniform(0, 0.3))
    for pid in [process.pid, *workers]:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=10)  # until nothing of the run is left
    assert process.returncode == -signal.SIGKILL
    assert 1 <= epochs_in(out) < 20


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_killed_at_a_random_moment_it_resumes(tmp_path, processes):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    result = launch(*LONG, "--out", whole, processes=processes)
    assert result.returncode == 0, result.stderr
    stopped(*LONG, out=broken, processes=processes)
    arguments = [*LONG, "--out", broken, "--resume"]
    result = launch(*arguments, processes=processes)
    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(broken)) == FILES
    assert history(broken) == history(whole)
    assert weights(broken) == weights(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("heed_interrupts")
def test_an_interrupt_says_how_to_go_on(tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(*LONG, "--epochs", 1000, "--out", out),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (out / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors == "error: stopped; --resume goes on\n"
    assert process.returncode == 130


# Several processes


@pytest.mark.parametrize(("rank", "pause"), [(0, 0), (1, 5), (3, 15)])
def test_of_several_processes_the_first_speaks_first(
    monkeypatch, capsys, tmp_path, rank, pause
):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    message, status = refused(capsys, "resnet17", "--out", tmp_path)
    assert "resnet17" in message
    assert status == 2
    assert pauses == [pause]


@pytest.mark.parametrize(
    ("status", "steps"), [(0, ["leave the group", 0]), (2, [2])]
)
def test_after_an_error_a_process_does_not_wait_for_others(
    monkeypatch, status, steps
):
    done = []
    group = torch.distributed
    monkeypatch.setattr(group, "is_initialized", lambda: True)
    leave = partial(done.append, "leave the group")
    monkeypatch.setattr(group, "destroy_process_group", leave)

    def end(status):
        done.append(status)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit):
        train._end(status)
    assert done == steps


@pytest.fixture
def cut(tmp_path) -> Path:
    script = tmp_path / "cut.py"
    script.write_text(CUT)
    return script


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "settings"),
    [
        ("lenet", ["--learning-rate", 0.5]),
        ("modern-lenet", [*LEARN, "--schedule", "one-cycle"]),
    ],
)
def test_two_processes_learn_what_one_learns(
    tmp_path, cut, network, settings
):
    # LeNet's sigmoids hardly move in so few steps; the modern one learns.
    runs = {}
    for processes in (1, 2):
        out = tmp_path / str(processes)
        notes = tmp_path / f"notes-{processes}"
        result = launch(
            *(cut, network, "--data", "digits", "--size", 16),
            *(*settings, "--epochs", 4, "--out", out),
            processes=processes,
            NOTES=notes,
        )
        assert result.returncode == 0, result.stderr
        assert f"processes: {processes}" in result.stdout
        assert len(result.stdout.splitlines()) == 3
        # One process alone writes, each file in its turn.
        assert notes.read_text().splitlines() == [
            "0 settings.json",
            *["0 checkpoint.pt"] * 4,
            *("0 history.json", "0 curve.png", "0 model.pt"),
        ]
        runs[processes] = history(out)
    for name in KEYS[:4]:
        assert runs[2][name] == pytest.approx(runs[1][name], rel=1e-4), name
    if network == "modern-lenet":
        assert runs[2]["test_accuracy"][-1] > 0.9


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sets Linux's threads")
def test_two_processes_end_whatever_their_threads_do(tmp_path):
    # Without `train._end` 13 of 16 runs were aborted.
    script = tmp_path / "slow_threads.py"
    script.write_text(SLOW_THREADS)
    for run in range(3):
        out = tmp_path / str(run)
        result = launch(script, *SHORT, "--out", out, processes=2)
        assert result.returncode == 0, result.stderr
        assert sorted(os.listdir(out)) == FILES


@pytest.mark.slow
@pytest.mark.parametrize("network", ["modern-lenet", "resnet18"])
def test_two_processes_count_each_image_once(tmp_path, network):
    # Neither 1437 nor 360 is a multiple of 128, or even.
    out = tmp_path / "run"
    result = launch(
        *(network, "--data", "digits", "--size", 16, *LEARN),
        *("--epochs", 1 + (network != "resnet18"), "--out", out),
        processes=2,
    )
    assert result.returncode == 0, result.stderr
    found = history(out)
    for name, count in [("train_accuracy", 1437), ("test_accuracy", 360)]:
        for value in found[name]:
            hits = value * count
            assert hits == pytest.approx(round(hits), abs=1e-6), name
    # One process finds the same, image by image.
    model = models.build(network)
    saved = torch.load(out / "model.pt", weights_only=True)
    model.load_state_dict(saved)
    tested = training.evaluate(
        model, data.load("digits"), size=16, batch_size=1
    )
    assert tested["accuracy"] == pytest.approx(found["test_accuracy"][-1])
    loss = pytest.approx(found["test_loss"][-1], rel=1e-4)
    assert tested["loss"] == loss


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words", "starts"),
    [
        (["resnet17"], "resnet17", 0),
        ([*SHORT, "--batch-size", "7"], "multiple of the 2 processes", 0),
        ([*SHORT, "--resume"], "holds no run to go on with", 0),
        ([*SHORT, "--size", "8"], "12 x 12", 1),
    ],
)
def test_two_processes_say_once_what_is_wrong(
    tmp_path, arguments, words, starts
):
    out = tmp_path / "run"
    result = launch(*arguments, "--out", out, processes=2)
    check_said_once(result, words)
    assert result.stdout.count("processes: 2") == starts
    assert list(tmp_path.iterdir()) == []


def check_said_once(result, words: str) -> None:
    """Check for one line of ours; torchrun adds a report of its own."""
    assert result.returncode == 1  # torchrun's, whatever ours was
    lines = result.stderr.splitlines()
    (message,) = [line for line in lines if line.startswith("error: ")]
    assert words in message
    assert "train.py" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words", "left"),
    [
        ("one process has no data", "no data in process 1", []),
        ("disk full", "No space left", ["checkpoint.pt", "settings.json"]),
    ],
)
def test_an_error_in_one_process_ends_all(
    tmp_path, cut, fault, words, left
):
    out = tmp_path / "run"
    arguments = [cut, *SHORT, "--out", out]
    notes = tmp_path / "notes"
    result = launch(*arguments, processes=2, FAULT=fault, NOTES=notes)
    check_said_once(result, words)
    assert (sorted(os.listdir(out)) if out.exists() else []) == left
    assert out.exists() == bool(left)


def two_machines(folders: list[Path], *arguments: object) -> list:
    """Start a launcher in each folder, as on machines; await both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rendezvous = ["--rdzv-backend", "c10d", "--nnodes", "2"]
    rendezvous += ["--rdzv-endpoint", f"127.0.0.1:{port}"]
    launchers = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "torch.distributed.run"),
                *(*rendezvous, "--local-addr", "127.0.0.1"),
                *command(*arguments)[1:],
            ],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    try:
        outputs = [one.communicate(timeout=120) for one in launchers]
    finally:
        for launcher in launchers:
            launcher.terminate()  # its processes too, if they hang
    return [
        (launcher.returncode, *output)
        for launcher, output in zip(launchers, outputs, strict=True)
    ]


@pytest.mark.slow
def test_two_machines(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    shared = tmp_path / "shared"
    results = two_machines(folders, *SHORT, "--out", shared)
    assert [status for status, *_ in results] == [0, 0], results
    printed = "".join(output for _, output, _ in results)
    assert "processes: 2" in printed
    assert len(printed.splitlines()) == 3
    assert sorted(os.listdir(shared)) == FILES
    assert all(os.listdir(folder) == [] for folder in folders)
    # Now one machine alone has the folder; either may be the first.
    shared.rename(folders[0] / "run")
    before = contents(tmp_path)
    resume = [*SHORT, "--out", "run", "--resume"]
    for status, _, errors in two_machines(folders, *resume):
        assert status == 1
        lines = errors.splitlines()
        (message,) = [x for x in lines if x.startswith("error: ")]
        assert "do not find run" in message or "holds no run" in message
        assert "train.py" not in errors
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_accelerate_launch_on_the_cpu_is_one_process(tmp_path):
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--cpu"]
    result = subprocess.run(
        [*launcher, *command(*SHORT, "--out", tmp_path / "run")[1:]],
        env=environment(HF_HOME=tmp_path / "no configuration"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "processes: 1, device: cpu" in result.stdout
    assert sorted(os.listdir(tmp_path / "run")) == FILES
