"""Gymnasium's AsyncVectorEnv with shared memory, its default, decodes the strings of a Text space once, when it is made, and
returns those at every step (Gymnasium 1.4.0). Of a `LiveText` it returns those of the present step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gymnasium.spaces import Text
from gymnasium.vector.utils import read_from_shared_memory


class LiveText(Text):
    """A Text space that goes well with shared memory."""


class _Texts(Sequence[str]):
    """The strings in a piece of shared memory, read when they are looked at; a copy is a tuple of strings."""

    def __init__(self, *memory: Any) -> None:
        self._memory = memory

    def __getitem__(self, at: Any) -> Any:
        return read_from_shared_memory.dispatch(Text)(*self._memory)[at]

    def __len__(self) -> int:
        return len(self[:])

    def __deepcopy__(self, memo: Any) -> tuple[str, ...]:
        return tuple(self[:])


@read_from_shared_memory.register(LiveText)
def _read(space: LiveText, shared_memory: Any, n: int = 1) -> _Texts:
    return _Texts(space, shared_memory, n)
