"""Processes that tests start and see end."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


def killed(act) -> bool:
    """Run act in a forked process; tell whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def children_of(parent: int) -> list[int]:
    """The processes that a process has started and that still run."""
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = [map(int, line.split()) for line in table.splitlines()]
    return [pid for pid, ppid in pairs if ppid == parent]


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may become larger than that: the system refuses to write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
