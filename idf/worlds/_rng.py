"""A random source that gives the same numbers on every machine, Python and NumPy, forever.

Python promises stability only for `random.random()`, and NumPy only within one build (NEP 19). Data that
must be the same byte for byte needs its own generator; splitmix64 (Steele, Lea, Flood 2014) is ten lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Rng:
    """Splitmix64, keyed by a hash of texts and whole numbers.

    `Rng("cube_rolling", 1, "train", 17)` is a stream of its own: neighbouring keys share nothing.
    (Adding an index to a seed, as is often done, makes seed 42 and seed 43 nearly the same data.)
    """

    def __init__(self, *key: object) -> None:
        digest = blake2b(repr(key).encode(), digest_size=8).digest()
        self._state = int.from_bytes(digest, "little")

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """A whole number in [0, n); every one equally likely (the biased tail of 2**64 is drawn again)."""
        if not 0 < n <= 1 << 64:
            raise ValueError(f"below() needs a bound from 1 to 2**64, not {n}")
        limit = (1 << 64) - (1 << 64) % n
        while (x := self.bits()) >= limit:
            continue
        return x % n

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self.bits() < p * 2.0**64

    def choice(self, items: Sequence[T]) -> T:
        """One of the items; every one equally likely."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (Fisher-Yates)."""
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out
