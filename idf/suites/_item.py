"""One item of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.worlds import Problem


@dataclass(frozen=True)
class Item:
    """A problem with a name, as it is evaluated.

    Attributes:
        id: `<file stem>:<row, from 0>` if published, `<world>:<difficulty>:<index>` if generated.
        problem: The problem.
        picture: The picture file, or None if it is to be drawn from the state.
    """

    id: str
    problem: Problem[Any, Any]
    picture: Path | None = None
