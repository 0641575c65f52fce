"""What is equal to the last bit, as the page on trust says, what is not."""

import json
import os
import subprocess
import sys

import pytest
import torch

# Trains the same network twice, with as many threads as it is told.
PROGRAM = """
import json, sys
import torch
from helpers import data, training
from helpers.models import ModernLeNet

torch.set_num_threads(int(sys.argv[1]))
found = []
for _ in range(2):
    torch.manual_seed(0)
    model = ModernLeNet()
    history = training.fit(
        model, data.load("digits"), epochs=2, size=16, progress=False
    )
    del history["seconds"]
    weights = [value.tolist() for value in model.state_dict().values()]
    found.append([history, weights])
print(json.dumps([torch.get_num_threads(), found]))
"""


@pytest.fixture(scope="module")
def trained():
    """Histories and weights of two processes with one thread, two with two.

    By the number of threads: two trainings of each process, one process
    after the other.
    """
    found = {}
    for threads in (1, 2):
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(threads)],
                # Threads that wait leave the cores to others.
                env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        found[threads] = []
        for process in processes:
            output, _ = process.communicate(timeout=300)
            assert process.returncode == 0
            used, trainings = json.loads(output)
            assert used == threads
            found[threads] += trainings
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_and_threads_give_the_same_bits(trained, threads):
    first, *others = trained[threads]
    assert len(others) == 3  # one of this process, two of the other
    assert others == [first] * 3


def test_other_threads_give_close_numbers(trained):
    (one, one_weights), (two, two_weights) = trained[1][0], trained[2][0]
    for name in ("train_loss", "test_loss"):
        assert two[name] == pytest.approx(one[name], rel=1e-3)
    for name in ("train_accuracy", "test_accuracy"):
        assert two[name] == pytest.approx(one[name], abs=0.02)
    for a, b in zip(one_weights, two_weights, strict=True):
        torch.testing.assert_close(
            torch.tensor(b), torch.tensor(a), rtol=0, atol=1e-2
        )
