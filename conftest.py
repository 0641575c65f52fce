"""What holds for every run of pytest, of one notebook's folder too."""

import os


def pytest_configure(config):
    """Share the cores between the workers of `-n`, kernels included.

    Each worker with a thread for every core is many times slower than
    with its share: the threads wait for each other.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        threads = max(1, (os.cpu_count() or 1) // workers)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
