"""Who evaluates a checkpoint: a folder that says so, taken by one watcher at a time."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
import uuid
from pathlib import Path
from typing import Any

from idf.errors import UserError

STALE_HOURS = 2.0
"""A watcher that has not finished a batch for so long is taken for dead."""


class EvaluationLock:
    """A lock that this process holds, from `take_lock`.

    Args:
        place: The lock's folder.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def beat(self) -> None:
        """Say that the watcher is alive."""
        try:
            os.utime(self.place / "owner.json")
        except FileNotFoundError:  # somebody took us for dead: both go on, and come to the same results
            return

    def release(self) -> None:
        """Let others have it."""
        owner = _owner(self.place)
        if owner == _me():
            _remove(self.place, owner)


def take_lock(place: Path) -> EvaluationLock | None:
    """Take a lock that nobody holds; one whose holder is gone is taken over, and that is said.

    Args:
        place: The lock's folder.

    Returns:
        The lock, or None if somebody else holds it.

    Raises:
        UserError: Nothing can be written there.
    """
    owner = _owner(place)
    if owner is not None:
        reason = _why_stale(place, owner)
        if reason is None or not _remove(place, owner):
            return None
        print(f"taking {place.name} over: {reason}", flush=True)
    # A folder that is not empty can be neither overwritten by a rename nor seen half: the first rename wins.
    mine = place.with_name(f"{place.name}-{uuid.uuid4().hex}")
    try:
        mine.mkdir(parents=True)
        (mine / "owner.json").write_text(json.dumps(_me()))
    except OSError as error:
        shutil.rmtree(mine, ignore_errors=True)
        raise UserError(f"{place.parent} cannot be written to: {error.strerror}") from None
    try:
        os.rename(mine, place)
    except OSError as error:
        shutil.rmtree(mine)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return None
        raise
    return EvaluationLock(place)


def _me() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid()}


def _owner(place: Path) -> dict[str, Any] | None:
    """Who holds a lock; None if nobody does."""
    try:
        owner: dict[str, Any] = json.loads((place / "owner.json").read_text())
    except FileNotFoundError:
        return None
    return owner


def _why_stale(place: Path, owner: dict[str, Any]) -> str | None:
    """Why a lock's holder is taken for dead, or None."""
    host, pid = owner["host"], owner["pid"]
    if owner == _me():  # in containers, the next life of a process often has the same number
        return f"an earlier process {pid} on this host left it"
    if host == socket.gethostname() and not _alive(pid):
        return f"its process {pid} on this host is gone"
    try:
        hours = (time.time() - (place / "owner.json").stat().st_mtime) / 3600
    except FileNotFoundError:  # released just now
        return None
    return f"its process {pid} on {host} gave no sign for {hours:.1f} hours" if hours > STALE_HOURS else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _remove(place: Path, owner: dict[str, Any]) -> bool:
    """Remove the lock of an owner; False if somebody else was faster."""
    gone = place.with_name(f"{place.name}-{uuid.uuid4().hex}")
    try:
        os.rename(place, gone)
    except FileNotFoundError:
        return False
    if _owner(gone) != owner:  # a lock made since we looked: it goes back
        try:
            os.rename(gone, place)
        except OSError:  # and yet another one stands there
            shutil.rmtree(gone)
        return False
    shutil.rmtree(gone)
    return True
