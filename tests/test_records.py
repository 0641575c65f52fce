"""Fingerprints of sources and records of trainings."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from helpers import data, records, training

SETTINGS = {"epochs": 2, "rate": 0.1, "seed": 0}
MODEL = nn.Linear(2, 3)

CODE = '''\
"""A module."""
import math  # for pi

def area(radius, unit="cm"):
    """The area."""
    # of a circle
    return (math.pi * radius ** 2, unit, f"{radius:.2f}", None, -1)

class Circle:
    """A circle."""
    sides = 0
'''


# Fingerprints


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# for pi", ""),
        ("    # of a circle\n", "\n\n"),
        ('"""A module."""\n', ""),
        ('"""The area."""', '"""Another text."""'),
        ('    """A circle."""\n', ""),
        ("math.pi * radius ** 2, ", "math.pi*(radius**2),\n        "),
        ('"cm"', "'cm'"),
        ('"cm"', '"c" "m"'),
        ('"cm"', 'u"cm"'),
    ],
)
def test_layout_and_comments_do_not_count(old, new):
    assert old in CODE
    changed = CODE.replace(old, new)
    assert records.fingerprint(changed) == records.fingerprint(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("** 2", "** 3"),
        ("** 2", "* 2"),
        ("** 2", "** 2.0"),
        ("sides = 0", "sides = False"),
        ("sides = 0", "sides = None"),
        ("sides = 0", 'sides = 0\n    """text"""'),
        ("None", "False"),
        (".2f", ".3f"),
        ("radius:", "unit:"),
        ('"cm"', '"m"'),
        ("-1", "1"),
        ("import math", "import cmath as math"),
        ("def area(radius, ", "def area(radius, /, "),
    ],
)
def test_what_the_code_does_counts(old, new):
    assert old in CODE
    changed = CODE.replace(old, new)
    assert records.fingerprint(changed) != records.fingerprint(CODE)


def test_order_of_the_sources_counts():
    one, two = "a = 1", "b = 2"
    prints = {
        records.fingerprint(one, two),
        records.fingerprint(two, one),
        records.fingerprint(f"{one}\n{two}"),
    }
    assert len(prints) == 3


def test_a_lone_string_is_shown_and_counts():
    assert records.fingerprint("'a'") != records.fingerprint("'b'")


def test_fingerprint_is_the_same_under_every_python():
    # Fails if a version of Python names new fields of the syntax tree.
    assert records.fingerprint(CODE) == "fbc5c8bc5c7873be"


def test_no_python():
    with pytest.raises(SyntaxError):
        records.fingerprint("for for")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import torch\nfrom other.helpers import ops", []),
        ("import helpers", []),
        ("from helpers import alpha, plots", ["alpha"]),
        ("from helpers import alpha as a", ["alpha"]),
        ("from helpers.alpha import thing", ["alpha"]),
        ("import helpers.alpha as a, math", ["alpha"]),
        ("def f():\n    import helpers.alpha", ["alpha"]),
        ("from helpers import beta", ["alpha", "beta"]),
        ("from helpers import gamma", ["alpha", "beta", "gamma"]),
        ("from helpers import delta", ["alpha", "delta"]),
        ("from helpers import plots", []),
        ("from helpers.plots import curve", []),
    ],
)
def test_modules_used(source, names, tmp_path, monkeypatch):
    modules = {
        "alpha": "import math",
        "beta": "from helpers.alpha import thing",
        "gamma": "from . import beta",
        "delta": "from .alpha import thing\nfrom . import plots",
        "plots": "from helpers import only_plots",
        "only_plots": "",
    }
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(records, "HELPERS", tmp_path)
    assert records.modules_used(source) == names
    sources = [modules[name] for name in names]
    assert records.module_sources([*names, "no_such"]) == sources


# Records


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """A function that records a toy training, and what it counted."""
    monkeypatch.setenv("BOOK_REFRESH", "1")
    count = []

    def run(settings=SETTINGS, model=MODEL, section="7.6", **options):
        def train():
            count.append(settings)
            return {"loss": (1.0, 0.5 / len(count))}

        return records.recorded(
            section, settings, model, train, folder=tmp_path, **options
        )

    run.count = count
    run.path = tmp_path / "7.6.json"
    return run


def test_minutes_are_those_of_the_training(trainings, monkeypatch):
    clock = iter([100.0, 190.0])
    monkeypatch.setattr(records.time, "perf_counter", clock.__next__)
    assert trainings()["minutes"] == 1.5


def test_trained_once_then_read(trainings, capsys):
    first = trainings()
    assert first["history"] == {"loss": [1.0, 0.5]}
    assert first["settings"] == SETTINGS
    assert first["model"] == str(MODEL)
    cost = f"{records.device_name()}, {first['minutes']} minutes"
    assert capsys.readouterr().out == f"trained anew ({cost})\n"
    before = trainings.path.read_bytes()
    assert trainings() == first
    assert capsys.readouterr().out == f"read from the record ({cost})\n"
    assert len(trainings.count) == 1
    assert trainings.path.read_bytes() == before
    assert records.stale(trainings.path) == []


def test_a_lazy_model_is_recorded_as_it_was_built(tmp_path, monkeypatch):
    """Training gives it its size; the next run starts without one."""
    monkeypatch.setenv("BOOK_REFRESH", "1")
    for run in range(2):
        model = nn.LazyLinear(2)

        def train(model=model, run=run):
            model(torch.zeros(1, 3))
            return {"run": run}

        record = records.recorded(
            "7.6", SETTINGS, model, train, folder=tmp_path
        )
        assert record["history"] == {"run": 0}
    assert records.stale(tmp_path / "7.6.json") == []


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {**SETTINGS, "seed": 1}},
        {"settings": {**SETTINGS, "epochs": 3}},
        {"model": nn.Linear(2, 4)},
        {"section": "8.2"},
    ],
)
def test_settings_model_and_section_decide(trainings, change):
    trainings()
    trainings(**change)
    assert len(trainings.count) == 2
    trainings()
    trainings(**change)
    assert len(trainings.count) == 2


def test_order_of_the_settings_does_not_matter(trainings):
    trainings()
    trainings(settings=dict(reversed(SETTINGS.items())))
    assert len(trainings.count) == 1


def test_code_decides(trainings, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "HELPERS", tmp_path)
    for number, (name, text) in enumerate(
        [
            ("data.py", "scale = 255"),
            ("data.py", "scale = 256"),
            ("training.py", "rate = 0.1"),
            ("training.py", "rate = 0.2"),
        ],
        start=1,
    ):
        (tmp_path / name).write_text(text)
        trainings()
        assert len(trainings.count) == number
        assert len(records.stale(trainings.path)) == number - 1
    (tmp_path / "data.py").write_text("scale = 256  # a comment")
    (tmp_path / "models.py").write_text("width = 3")
    trainings()
    assert len(trainings.count) == 4


def test_changed_by_hand_is_stale(trainings):
    trainings()
    trainings(settings={**SETTINGS, "seed": 1})
    stored = json.loads(trainings.path.read_text())
    key = min(stored)
    stored[key]["settings"]["epochs"] = 20
    trainings.path.write_text(json.dumps(stored))
    assert records.stale(trainings.path) == [key]


def test_retrain_replaces_the_record(trainings):
    trainings()
    again = trainings(retrain=True)
    assert again["history"] == {"loss": [1.0, 0.25]}
    assert trainings() == again
    assert len(json.loads(trainings.path.read_text())) == 1


@pytest.mark.parametrize("value", [None, "", "0"])
def test_a_reader_changes_no_record(trainings, monkeypatch, value):
    trainings()
    before = trainings.path.read_bytes()
    if value is None:
        monkeypatch.delenv("BOOK_REFRESH")
    else:
        monkeypatch.setenv("BOOK_REFRESH", value)
    again = trainings(retrain=True)
    other = trainings(settings={**SETTINGS, "seed": 1})
    assert again["history"]["loss"] == [1.0, 0.25]
    assert other["settings"]["seed"] == 1
    assert trainings.path.read_bytes() == before
    trainings(section="8.2")
    assert [p.name for p in trainings.path.parent.iterdir()] == ["7.6.json"]


def test_stopped_while_writing_keeps_the_earlier_record(
    trainings, monkeypatch
):
    first = trainings()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            trainings(settings={**SETTINGS, "seed": 1})
    assert trainings() == first
    assert len(json.loads(trainings.path.read_text())) == 1
    trainings(settings={**SETTINGS, "seed": 1})
    assert len(json.loads(trainings.path.read_text())) == 2
    assert [p.name for p in trainings.path.parent.iterdir()] == ["7.6.json"]


KILLED = """
import os, sys
from helpers.records import recorded

def train():
    if seed == 1:
        os._exit(9)
    return {"loss": [seed]}

for seed in (0, 1):
    settings = {"seed": seed}
    recorded("7.6", settings, "model", train, folder=sys.argv[1])
"""


def test_killed_while_training_keeps_the_earlier_record(tmp_path):
    folder = tmp_path / "runs"
    command = [sys.executable, "-c", KILLED, folder]
    env = {**os.environ, "BOOK_REFRESH": "1"}
    assert subprocess.run(command, env=env, check=False).returncode == 9
    (record,) = json.loads((folder / "7.6.json").read_text()).values()
    assert record["history"] == {"loss": [0]}


def test_record_of_another_training_made_meanwhile_is_kept(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("BOOK_REFRESH", "1")

    def record(seed, train):
        records.recorded(
            "7.6", {"seed": seed}, MODEL, train, folder=tmp_path
        )

    def train():
        record(1, lambda: {"loss": 1})
        return {"loss": 0}

    record(0, train)
    stored = json.loads((tmp_path / "7.6.json").read_text())
    seeds = sorted(r["settings"]["seed"] for r in stored.values())
    assert seeds == [0, 1]


@pytest.mark.parametrize("text", ["", '{"a": 1', "<<<<<<< HEAD"])
def test_corrupt_file(trainings, text):
    trainings.path.write_text(text)
    with pytest.raises(ValueError, match=r"7\.6\.json are not JSON"):
        trainings()
    with pytest.raises(ValueError, match=r"7\.6\.json are not JSON"):
        records.stale(trainings.path)
    assert trainings.count == []
    assert trainings.path.read_text() == text


def test_settings_need_a_seed(trainings):
    with pytest.raises(ValueError, match=r"no seed .*\['epochs'\]"):
        trainings(settings={"epochs": 1})


def test_history_must_be_json(tmp_path):
    with pytest.raises(TypeError, match="Linear"):
        records.recorded(
            "7.6", SETTINGS, MODEL, lambda: {"m": MODEL}, folder=tmp_path
        )


def test_folder_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOOK_REFRESH", "1")
    records.recorded("7.6", SETTINGS, MODEL, lambda: {"loss": 1})
    assert (tmp_path / "runs" / "7.6.json").is_file()
    text = (tmp_path / "runs" / "7.6.json").read_text()
    assert text == (
        json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    )


# Several seeds


@pytest.fixture
def digits():
    """The first hundred digits, to train on and to test."""
    images = data.load("digits")
    X, y = images.train_images[:100], images.train_labels[:100]
    return data.Images("digits", X, y, X, y, images.class_names)


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@pytest.fixture
def trained(tmp_path, monkeypatch, digits, capsys):
    """A function that calls runs; it returns histories and the line."""
    monkeypatch.setenv("BOOK_REFRESH", "1")

    def run(build=linear, images=digits, seeds=(0, 1), **settings):
        capsys.readouterr()
        records._say_once.cache_clear()
        settings = {"epochs": 2, "progress": False} | settings
        histories = records.runs(
            "7.6", build, images, seeds, folder=tmp_path, **settings
        )
        return histories, capsys.readouterr().out

    run.path = tmp_path / "7.6.json"
    return run


def without_seconds(history):
    return {k: v for k, v in history.items() if k != "seconds"}


def test_runs_are_what_fit_gives(trained, digits):
    histories, line = trained()
    assert line.startswith("trained anew: 2 of 2 runs (")
    assert len(histories) == 2
    for seed, history in enumerate(histories):
        torch.manual_seed(seed)
        direct = training.fit(
            linear(), digits, epochs=2, seed=seed, progress=False
        )
        assert without_seconds(history) == without_seconds(direct)
    assert histories[0]["train_loss"] != histories[1]["train_loss"]


def test_runs_are_read_seed_by_seed(trained):
    first, _ = trained(seeds=[0])
    both, line = trained(seeds=[0, 1])
    assert line.startswith("trained anew: 1 of 2 runs (")
    assert both[0] == first[0]
    again, line = trained(seeds=[1, 0])
    assert line == f"read from the record: {trained.path}\n"
    assert again == both[::-1]
    assert records.stale(trained.path) == []
    anew, line = trained(seeds=[0], retrain=True)
    assert line.startswith("trained anew: 1 of 1 runs (")
    assert without_seconds(anew[0]) == without_seconds(first[0])


def test_that_records_are_read_is_said_once(
    tmp_path, digits, capsys, monkeypatch
):
    monkeypatch.setenv("BOOK_REFRESH", "1")
    records._say_once.cache_clear()
    for _ in range(3):
        records.runs(
            "7.6",
            linear,
            digits,
            [0],
            folder=tmp_path,
            epochs=1,
            progress=False,
        )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "trained anew",
        "read from the record",
    ]


def test_images_settings_and_variant_decide(trained, digits):
    trained(seeds=[0])
    fewer = dataclasses.replace(
        digits,
        test_images=digits.test_images[:50],
        test_labels=digits.test_labels[:50],
    )
    last = dataclasses.replace(
        digits,
        test_images=digits.test_images.flip(0),
        test_labels=digits.test_labels.flip(0),
    )
    changes = [
        {"images": fewer},
        {"images": last},
        {"images": dataclasses.replace(digits, name="others")},
        {"variant": "other weights"},
        {"learning_rate": 0.2},
        {"augment": training.flip},
        {"augment": training.shift},
        {"build": lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(10))},
    ]
    for change in changes:
        for what in ("trained anew: 1 of 1 runs", "read from the record"):
            _, line = trained(seeds=[0], **change)
            assert line.startswith(what)
    assert len(json.loads(trained.path.read_text())) == 1 + len(changes)


def test_a_default_value_is_the_same_written_out(trained):
    trained(seeds=[0])
    assert "read" in trained(seeds=[0], optimizer="sgd")[1]
    assert "read" in trained(seeds=[0], augment=None)[1]
    (record,) = json.loads(trained.path.read_text()).values()
    assert record["settings"]["batch_size"] == 128
    assert record["settings"]["seed"] == 0
    assert not {"progress", "checkpoint"} & set(record["settings"])


def test_a_look_joins_the_history(trained):
    def look(model):
        return {"bias": model[1].bias.tolist()}

    trained_once, _ = trained(seeds=[0], look=look)
    assert len(trained_once[0]["bias"]) == 10
    read, line = trained(seeds=[0], look=look)
    assert line.startswith("read from the record")
    assert read == trained_once


def test_runs_without_a_seed(trained):
    with pytest.raises(ValueError, match="no seed"):
        trained(seeds=[])
