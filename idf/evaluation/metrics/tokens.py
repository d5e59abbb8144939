"""Which rows say how many tokens they took. A failure is never counted as one of no tokens."""

from __future__ import annotations

from collections.abc import Iterable

from .row import Row


def tokens_of(row: Row) -> int | None:
    """The generated tokens of a response; None if they are not known.

    A count of 0 is none: a model that answers generates at least its end token, and 0 is what an endpoint that failed
    reports. Nor has a response that could not be had a length.
    """
    return None if row.error == "error" or not row.completion_tokens else row.completion_tokens


def per_correct(rows: Iterable[Row]) -> float | None:
    """All generated tokens, those of wrong responses too, for each right one; None if there is none.

    Rows whose tokens are not known are left out of both numbers.
    """
    known = [(count, row.correct) for row in rows if (count := tokens_of(row)) is not None]
    correct = sum(right for _, right in known)
    return sum(count for count, _ in known) / correct if correct else None
