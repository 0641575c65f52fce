"""Importing helpers is cheap, and what it offers is documented."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

import helpers

MODULES = [
    f"helpers.{m.name}" for m in pkgutil.iter_modules(helpers.__path__)
]
LIGHT = ["helpers.models", "helpers.ops", "helpers.summary"]
HEAVY = ["matplotlib", "skimage", "sklearn", "torchvision"]
MOST_SECONDS = 0.5  # more than importing torch

CODE = """
import importlib, json, sys, time
import torch
start = time.perf_counter()
for name in {names}:
    importlib.import_module(name)
seconds = time.perf_counter() - start
print(json.dumps([seconds, sorted(sys.modules)]))
"""


def fresh_import(names):
    """Import torch, then these; return seconds of these and all modules."""
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(names=names)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_importing_the_light_modules_is_quick():
    seconds = []
    for _ in range(3):
        taken, modules = fresh_import(LIGHT)
        assert set(LIGHT) <= set(modules)
        assert not set(HEAVY) & set(modules)
        seconds.append(taken)
        if taken <= MOST_SECONDS:  # a busy machine can only add to it
            return
    raise AssertionError(f"each of three imports took too long: {seconds}")


def public_functions_and_classes():
    found = []
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                found.append(
                    pytest.param(value, id=f"{module_name}.{name}")
                )
    return found


def test_every_module_is_documented_and_lists_its_public_names():
    assert set(LIGHT) <= set(MODULES)
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__doc__, name
        assert module.__all__ == sorted(set(module.__all__)), name


@pytest.mark.parametrize("value", public_functions_and_classes())
def test_every_public_name_is_documented(value):
    name = value.__name__
    text = inspect.getdoc(value) or ""
    assert text.split("\n")[0].endswith("."), "no summary line"
    assert not text.startswith(f"{name}("), "only a generated signature"
    if inspect.isclass(value):
        for method, function in inspect.getmembers(
            value, inspect.isfunction
        ):
            if not method.startswith("_"):
                assert inspect.getdoc(function), f"{name}.{method}"
