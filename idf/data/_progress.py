"""A progress bar whose time left is that of the work alone: workers that start, and what they load, are no part of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Timed(Generic[R]):
    """What a task gave.

    Attributes:
        result: What the function returned.
        seconds: How long it took where it ran.
        first: Whether it was the first of its process, which loads what the work needs.
    """

    result: R
    seconds: float
    first: bool


_BEGUN: set[Callable[..., Any]] = set()
"""The functions that this process has called already."""


def timed(function: Callable[[T], R]) -> Callable[[T], Timed[R]]:
    """A function that also says how long it took; it can be pickled as the function can."""
    return partial(_timed, function)


def _timed(function: Callable[[T], R], task: T) -> Timed[R]:
    first, begun = function not in _BEGUN, time.perf_counter()
    _BEGUN.add(function)
    result = function(task)
    return Timed(result, time.perf_counter() - begun, first)


class WorkBar(tqdm):  # type: ignore[type-arg]  # it is generic for type checkers alone
    """A bar over timed tasks.

    Args:
        workers: How many work at the same time.
        settings: As tqdm's.
    """

    def __init__(self, workers: int, **settings: Any) -> None:
        self.workers = workers
        self._done = {True: (0, 0.0), False: (0, 0.0)}  # whether first of its process -> units, seconds
        super().__init__(mininterval=1, **settings)

    def did(self, units: int, task: Timed[Any]) -> None:
        """Show that a task is done. More than the whole is not shown: some of it will be put back."""
        before, seconds = self._done[task.first]
        self._done[task.first] = (before + units, seconds + task.seconds)
        self.update(min(units, self.total - self.n))

    @property
    def format_dict(self) -> dict[str, Any]:
        """As tqdm's, with the rate of the work: of later tasks, or of the first ones as long as there are no others."""
        facts: dict[str, Any] = super().format_dict
        units, seconds = self._done[False] if self._done[False][0] else self._done[True]
        if seconds:
            facts["rate"] = units * self.workers / seconds
        return facts
