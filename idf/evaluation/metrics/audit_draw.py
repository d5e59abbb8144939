"""Which rows of a run a person looks at: drawn in two strata, read and unread, by a seed and what the run holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from typing import Any

from idf.errors import UserError
from idf.worlds import Rng

from .row import Row

READ, UNREAD = "read", "unread"
LEAST_SHARE = 5
"""A stratum gets at least one in so many of the rows that are drawn, as far as it has them."""


def is_read(row: Row) -> bool:
    """Whether an answer was read out of a response."""
    return row.parsed is not None


def stratum_of(row: Row) -> str:
    """READ or UNREAD."""
    return READ if is_read(row) else UNREAD


def key_of(row: Row) -> tuple[str, str, int]:
    """What names a row in its run."""
    return row.id, row.mode, row.sample


def response_hash(row: Row) -> str:
    """The response of a row; equal for equal texts only."""
    return _hash(row.response)


def reading_hash(row: Row) -> str:
    """The reading that a mark judges: the answer that was read, or that none was."""
    return _hash(row.parsed)


def responses_fingerprint(rows: Iterable[Row]) -> str:
    """All responses of a run, whatever was read out of them and in whatever order the rows stand."""
    return _hash(sorted([*key_of(row), response_hash(row)] for row in rows))


def readings_fingerprint(rows: Iterable[Row]) -> str:
    """All readings of a run."""
    return _hash(sorted([*key_of(row), reading_hash(row)] for row in rows))


def _hash(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Draw:
    """The rows that a person looks at.

    Attributes:
        rows: They, in random order: whoever stops early has seen a random part.
        sizes: READ and UNREAD -> how many rows of the run are of this kind.
        drawn: The same -> how many of them are in `rows`.
        empty: Rows that hold no response, or for which none could be had; there is nothing to read, and none is drawn.
        repeats: How many of `rows` pose the same problem as another one of them in the same stratum.
    """

    rows: list[Row]
    sizes: dict[str, int]
    drawn: dict[str, int]
    empty: int
    repeats: int


def draw(rows: Sequence[Row], most: int, seed: int) -> Draw:
    """Draw rows of a run, the same ones for the same responses, readings, number and seed.

    In each stratum every row is as likely as any other to be drawn. The rows are put in order by world, then by problem (in
    random order), then at random, and every (size / n)-th is taken from a random start (systematic sampling: Cochran 1977,
    Sampling Techniques, ch. 8). So worlds are drawn from in proportion, and two rows of one problem only where it has more
    than size / n of them.

    Args:
        rows: All rows of the run.
        most: How many to draw; all, if there are not more.
        seed: Another one draws others.

    Raises:
        UserError: Nothing is to be drawn, or every response is empty.
    """
    if most < 1:
        raise UserError(f"--rows {most}: a person needs at least one row to look at")
    strata: dict[str, list[Row]] = {READ: [], UNREAD: []}
    full = [row for row in rows if row.response.strip() and row.finish_reason != "error"]
    for row in full:
        strata[stratum_of(row)].append(row)
    if not full:
        raise UserError(f"all {len(rows)} responses of the run are empty or could not be had: there is nothing to read")
    sizes = {name: len(some) for name, some in strata.items()}
    drawn = dict(zip(strata, _allocation(sizes[READ], sizes[UNREAD], most)))
    rng = Rng("audit", responses_fingerprint(rows), seed, most)
    taken = {name: _systematic(some, drawn[name], rng) for name, some in strata.items()}
    problems = [Counter(_problem(row) for row in some) for some in taken.values()]
    return Draw(
        rows=rng.shuffled([row for some in taken.values() for row in some]),
        sizes=sizes,
        drawn=drawn,
        empty=len(rows) - len(full),
        repeats=sum(n - 1 for counts in problems for n in counts.values()),
    )


def _allocation(read: int, unread: int, most: int) -> tuple[int, int]:
    """How many of each stratum: in proportion to the square roots of their sizes, and at least a fifth of all.

    Neither in proportion to the sizes (a few unread rows would say nothing of their kind) nor in equal parts (the whole would
    be known less well): a power allocation with exponent 1/2 (Bankier 1988, The American Statistician 42:174-177).
    """
    if read + unread <= most:
        return read, unread
    few = round(most * sqrt(unread) / (sqrt(read) + sqrt(unread)))
    few = min(max(few, most // LEAST_SHARE), most - most // LEAST_SHARE)
    few = min(max(few, most - read), unread)  # neither stratum can give more than it has
    return most - few, few


def _systematic(rows: Sequence[Row], n: int, rng: Rng) -> list[Row]:
    if not n:
        return []
    by_key = sorted(rows, key=key_of)
    place = {problem: at for at, problem in enumerate(rng.shuffled(list(dict.fromkeys(map(_problem, by_key)))))}
    ordered = sorted(rng.shuffled(by_key), key=lambda row: (row.world, place[_problem(row)]))
    start = rng.below(len(ordered))
    return [ordered[(start + i * len(ordered)) // n] for i in range(n)]


def _problem(row: Row) -> str:
    return row.cluster or row.id
