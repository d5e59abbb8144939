"""Processes that a loop starts: they end as soon as it does, however that ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from idf.errors import UserError
from idf.gpus import why_no_gpu
from idf.processes import end_with

T = TypeVar("T")


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
