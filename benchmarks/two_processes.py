"""Two processes under torchrun against one, on the CPU.

The same network is trained by `python -m helpers.train` on the embedded
digits, with the same global batch and the same settings: by one process
with as many threads as there are processes, by one with one thread, and by
`--processes` processes with one thread each, which share each batch. The
time of an epoch is the median of all but the first, as the run's history
has it: training and evaluation, without starting the processes.

    python benchmarks/two_processes.py
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import results

NETWORKS = {"modern-lenet": 28, "resnet18": 32}  # pixels of a side


def train(
    network: str, processes: int, threads: int, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Train in processes of their own; return the history."""
    launcher = ["-m"]
    if processes > 1:
        launcher = ["-m", "torch.distributed.run", "--standalone"]
        launcher += ["--nproc-per-node", str(processes), "-m"]
    settings = ["--data", "digits", "--size", str(NETWORKS[network])]
    settings += ["--batch-size", str(options.batch_size)]
    settings += ["--epochs", str(options.epochs)]
    settings += ["--learning-rate", "0.01", "--optimizer", "adamw"]
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, *launcher, "helpers.train", network),
                *(*settings, "--out", folder),
            ],
            env={
                **os.environ,
                "PYTHONPATH": str(root),
                "OMP_NUM_THREADS": str(threads),
                "CUDA_VISIBLE_DEVICES": "",
            },
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return json.loads(Path(folder, "history.json").read_text("utf-8"))


def rows(network: str, options: argparse.Namespace) -> list[results.Row]:
    """Train in each way; times are compared with the first."""
    count, found, first = options.processes, [], None
    for processes, threads in [(1, count), (1, 1), (count, 1)]:
        history = train(network, processes, threads, options)
        seconds = statistics.median(history["seconds"][1:])
        first = first or seconds
        found.append(
            {
                "network": network,
                "processes": str(processes),
                "threads of each": str(threads),
                "an epoch": f"{seconds:.2f} s",
                "times as fast": f"{first / seconds:.2f}",
                "last loss": f"{history['train_loss'][-1]:.3f}",
                "test accuracy": f"{history['test_accuracy'][-1]:.3f}",
            }
        )
        print(*found[-1].values(), sep="  ", flush=True)
    return found


def main() -> None:
    """Train all networks in all ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--network", choices=NETWORKS)
    results.add_option(parser)
    options = parser.parse_args()
    networks = [options.network] if options.network else list(NETWORKS)
    results.show(
        Path(__file__).name,
        f"An epoch on the digits, batches of {options.batch_size}, all "
        "processes together",
        [row for network in networks for row in rows(network, options)],
        options.save,
    )


if __name__ == "__main__":
    main()
