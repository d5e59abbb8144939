"""Processes that a loop starts: they end as soon as it does, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from idf.errors import UserError
from idf.gpus import why_no_gpu

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Ask the system, which on Linux can, for SIGTERM when the parent of this process ends.

    Args:
        parent: The parent's id: if it has ended already, this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)


def alone(function: Callable[..., T], *arguments: object) -> T:
    """Call a function; where there are GPUs, in a process of its own, whose end gives all their memory back for training.

    Args:
        function: Of a module, so that another process finds it.
        arguments: What it is called with; can be pickled.

    Raises:
        UserError: The process died; or whatever the function raises.
    """
    return function(*arguments) if why_no_gpu() else apart(function, *arguments)


def apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a process of its own; as `alone`."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=end_with, initargs=(os.getpid(),)) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            raise UserError(
                "the process that asks the checkpoint died (killed, or out of memory?): what it had answered is kept, start the "
                "same command again"
            ) from None
