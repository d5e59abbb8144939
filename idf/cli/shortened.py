"""An answer in a table or a plot."""

from __future__ import annotations

_WIDEST = 24  # letters of an answer; boards and plans are cut to this


def shortened(answer: str) -> str:
    """An answer on one line, cut where it is too long for a table."""
    line = " ".join(answer.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 3] + "..."
