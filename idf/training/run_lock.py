"""One run, one job: two that write the same checkpoints would destroy each other's."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from idf.errors import UserError

_held: list[int] = []  # open until the process ends: the lock goes with them


def lock_run(run: Path, patience_seconds: float = 30.0) -> None:
    """Take a run for this process, until it ends; for one rank to do.

    The lock is POSIX's (`lockf`): it ends with the process however that ends, forked loader workers do not inherit it, and
    network file systems pass it on between nodes.

    Args:
        run: The run's folder; made if there is none.
        patience_seconds: How long to wait for a job that is just ending.

    Raises:
        UserError: Another job trains there, or the folder cannot be written.
    """
    path = run / ".lock"
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UserError(f"the run's folder {run} cannot be written: {error.strerror}") from None
    until = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows both
            if time.monotonic() > until:
                raise UserError(f"another job trains in {run}: wait for its end, or choose another run=") from None
            time.sleep(0.2)
        except OSError as error:
            print(
                f"{run} is not locked against a second job: its file system has no locks ({error.strerror})", flush=True
            )
            return
        else:
            _held.append(file)
            return
