"""Time and memory of a training step, as batch, image or network grow.

Three series are measured, each doubling one thing and keeping the others:

- the images of a batch, with ResNet-18 at 64 pixels;
- the side of the images, with ResNet-18 and batches of 32;
- the channels of all layers, with the blocks of VGG-11 at 64 pixels and
  batches of 32.

A step is what `helpers.training.fit` does with a batch, in float32 and
channels last: forward, backward, and an update by SGD. Each point runs in a
process of its own, whose largest memory (resident, as the system counts it)
is reported, without what the process had before it built the network. The
last two columns say by which factor time and memory grew over the row
above. The time is the median of `--steps` steps after two that warm up.

    python benchmarks/growth.py
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import results
import torch
from torch import nn

from helpers import models, summary

BLOCKS = ((1, 1), (1, 2), (2, 4), (2, 8), (2, 8))  # of VGG-11, 64 channels
SERIES = {  # what grows: its values
    "images of a batch": (16, 32, 64, 128),
    "side in pixels": (32, 64, 128, 256),
    "channels of the first layer": (8, 16, 32, 64),
}


def point(series: str, value: int) -> tuple[nn.Module, int, int]:
    """Return the network, the batch and the side of a point."""
    torch.manual_seed(0)
    if series == "channels of the first layer":
        arch = [(n, value * channels) for n, channels in BLOCKS]
        return models.VGG(arch, hidden=64 * value), 32, 64
    model = models.build("resnet18")
    if series == "images of a batch":
        return model, value, 64
    return model, 32, value


def megabytes() -> float:
    """Return the largest resident memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used * unit / 1e6


def measure(series: str, value: int, steps: int) -> dict[str, float]:
    """Train for some steps; median seconds of one, and the memory."""
    before = megabytes()
    model, batch, side = point(series, value)
    X, y = torch.rand(batch, 1, side, side), torch.arange(batch) % 10
    with summary.evaluation(model):
        model(X[:1])  # lazy layers take shape
    model.to(memory_format=torch.channels_last)
    updates = torch.optim.SGD(model.parameters(), lr=0.01)
    seconds = []
    for _ in range(2 + steps):
        start = time.perf_counter()
        loss = nn.functional.cross_entropy(model(X), y)
        updates.zero_grad()
        loss.backward()
        updates.step()
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(seconds[2:]),
        "megabytes": megabytes() - before,
    }


def in_a_process(series: str, value: int, steps: int) -> dict[str, float]:
    """Measure a point in a new process."""
    words = ["--series", series, "--value", str(value)]
    done = subprocess.run(
        [sys.executable, __file__, *words, "--steps", str(steps)],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def rows(series: str, options: argparse.Namespace) -> list[results.Row]:
    """Measure a series; each row is compared with the one above."""
    found, last = [], None
    for value in SERIES[series][: options.points]:
        now = in_a_process(series, value, options.steps)
        growth = {k: f"{now[k] / last[k]:.2f}" if last else "" for k in now}
        last = now
        found.append(
            {
                "what grows": series,
                "to": str(value),
                "time of a step": f"{1000 * now['seconds']:,.0f} ms",
                "memory": f"{now['megabytes']:,.0f} MB",
                "time grew": growth["seconds"],
                "memory grew": growth["megabytes"],
            }
        )
        print(*found[-1].values(), sep="  ", flush=True)
    return found


def main() -> None:
    """Measure all series, or be the process of one point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--points", type=int, default=4)
    parser.add_argument("--series", choices=SERIES, help=argparse.SUPPRESS)
    parser.add_argument("--value", type=int, help=argparse.SUPPRESS)
    results.add_option(parser)
    options = parser.parse_args()
    if options.series:
        found = measure(options.series, options.value, options.steps)
        print(json.dumps(found))
        return
    results.show(
        Path(__file__).name,
        "One training step, factors for each doubling",
        [row for series in SERIES for row in rows(series, options)],
        options.save,
    )


if __name__ == "__main__":
    main()
