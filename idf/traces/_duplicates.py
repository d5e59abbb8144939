"""Near-duplicates by MinHash and locality-sensitive hashing (Broder 1997; Indyk and Motwani 1998), in NumPy."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from tempfile import TemporaryFile, gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idf.answers import plain_colours
from idf.errors import UserError
from idf.worlds import Rng

_WORDS = 5  # of a shingle
_HASHES = 128
_MISSED = 1e-3  # chance to overlook a pair that is exactly as similar as the threshold
_SLACK = 0.1  # signatures estimate a similarity to about 0.04; below threshold - slack nobody computes it
_MIX = np.uint64(0x9E3779B97F4A7C15)

Shingles = NDArray[np.uint64]


@lru_cache(maxsize=1 << 16)
def _word_hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def shingles_of(words: Sequence[str]) -> Shingles:
    """The set of all runs of five words, each as a 64-bit hash; a shorter text is one run.

    Args:
        words: The words of a text.

    Returns:
        Sorted, distinct hashes; the same on every machine.
    """
    hashed = np.array([_word_hash(word) for word in words], np.uint64)
    size = min(_WORDS, len(hashed))
    runs = np.zeros(max(len(hashed) - size + 1, 1), np.uint64)
    for offset in range(size):
        runs = (runs ^ hashed[offset : offset + len(runs)]) * _MIX
        runs ^= runs >> np.uint64(29)
    return np.unique(runs)


def similarity(one: Shingles, other: Shingles) -> float:
    """The Jaccard similarity of two sets of shingles: shared over all, from 0 to 1."""
    shared = np.intersect1d(one, other, assume_unique=True).size
    return float(shared / (one.size + other.size - shared))


def scene_of(words: Sequence[str]) -> Shingles:
    """The set of a scene's words, each with its place: in a grid it matters where a wall stands.

    Args:
        words: The words of a state and a question.

    Returns:
        Sorted, distinct hashes; the same on every machine.
    """
    return np.unique(np.array([_word_hash(f"{place} {word}") for place, word in enumerate(words)], np.uint64))


class ShingleFile:
    """Sets of shingles in a temporary file: a few kilobytes for each text, of which only those of similar texts are read again.

    Raises:
        UserError: The folder for temporary files has no room.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (closed by `__exit__`)
        self._ends = array("q", [0])

    def __enter__(self) -> ShingleFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, shingles: Shingles) -> int:
        """Write a set; returns its number."""
        try:
            self._file.seek(self._ends[-1])
            self._file.write(shingles.tobytes())
        except OSError as error:
            raise UserError(f"the hashes of traces could not be written to {gettempdir()}: {error.strerror}") from None
        self._ends.append(self._ends[-1] + shingles.nbytes)
        return len(self._ends) - 2

    def picked(self, numbers: Sequence[int]) -> Sequence[Shingles]:
        """The sets of some numbers, in their order, each read when it is asked for."""
        return _Picked(self, numbers)

    def read(self, number: int) -> Shingles:
        """The set of a number."""
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return np.frombuffer(self._file.read(end - begin), np.uint64)


class _Picked(Sequence[Shingles]):
    def __init__(self, file: ShingleFile, numbers: Sequence[int]) -> None:
        self._file, self._numbers = file, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, at: Any) -> Any:
        return self._file.read(self._numbers[at])


def near_duplicates(texts: Sequence[Shingles], scenes: Sequence[Shingles], threshold: float) -> list[int | None]:
    """For each text the first kept one before it that says nearly the same of nearly the same scene, or None.

    Args:
        texts: Shingles of the texts, the ones to prefer first.
        scenes: For each text, what it is about.
        threshold: Least Jaccard similarity of both, above 0; 1 finds equal sets only.

    Returns:
        The index of that text; None for a text that is kept.
    """
    signatures = _signatures(texts)
    rows = _rows(threshold)
    buckets: dict[int, list[int]] = {}
    found: list[int | None] = []
    for at, keys_of in enumerate(_shared_bands(signatures.reshape(len(texts), _HASHES // rows, rows))):
        keys = keys_of[keys_of >= 0].tolist()
        near = np.array(sorted({other for key in keys for other in buckets.get(key, ())}), int)
        near = near[(signatures[near] == signatures[at]).mean(axis=1) >= threshold - _SLACK]
        originals = (
            int(other)
            for other in near
            if similarity(scenes[other], scenes[at]) >= threshold and similarity(texts[other], texts[at]) >= threshold
        )
        original = next(originals, None)
        found.append(original)
        if original is None:
            for key in keys:
                buckets.setdefault(key, []).append(at)
    return found


def _shared_bands(bands: NDArray[np.uint32]) -> NDArray[np.int64]:
    """A number for the minima of each band, (texts, bands), equal for equal ones; -1 where no other text has them.

    Few texts share any: a table of all bands would take kilobytes a text.
    """
    number, out = 0, np.full(bands.shape[:2], -1)
    for band in range(bands.shape[1]):
        _, which, times = np.unique(bands[:, band], axis=0, return_inverse=True, return_counts=True)
        shared = times > 1
        names = np.where(shared, number + np.cumsum(shared), -1)
        number += int(shared.sum())
        out[:, band] = names[which.reshape(-1)]
    return out


def _signatures(texts: Sequence[Shingles]) -> NDArray[np.uint32]:
    """128 minima a text; two texts share each with a chance equal to their similarity."""
    rng = Rng("minhash")
    factors = np.array([[rng.bits() >> 32 | 1] for _ in range(_HASHES)], np.uint32)
    terms = np.array([[rng.bits() >> 32] for _ in range(_HASHES)], np.uint32)
    out = np.empty((len(texts), _HASHES), np.uint32)
    for at, shingles in enumerate(texts):  # the upper halves: ten times as fast, and good enough for minima
        out[at] = (factors * (shingles >> np.uint64(32)).astype(np.uint32) + terms).min(axis=1)
    return out


def _rows(threshold: float) -> int:
    """The most minima a band can have so that no pair at the threshold is overlooked, but for one in a thousand."""
    fitting = [rows for rows in (1, 2, 4, 8, 16, 32) if (1 - threshold**rows) ** (_HASHES / rows) <= _MISSED]
    return max(fitting, default=1)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, numbers with their sign; gray and grey are one word."""
    return re.findall(r"-?\w+", plain_colours(text.casefold()))
