"""Processes that tests start and see end."""

import os


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
