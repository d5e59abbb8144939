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
        id: `<file stem>:<row, from 0>` if published, `<world>:<difficulty>:<index>` if generated, with `~<number>`
            behind it if it is the image of that item.
        problem: The problem.
        picture: The picture file, or None if it is to be drawn from the state.
        published: The question in the words of its published row; None if the item is generated.
        published_prompt: That question as the published program puts it to a model; None if the item is generated, or
            the clone it was read from lacks the program.
        group: The id of the item whose image under a symmetry of its world it is, its own for that item; None if the suite
            does not ask images.
    """

    id: str
    problem: Problem[Any, Any]
    picture: Path | None = None
    published: str | None = None
    published_prompt: str | None = None
    group: str | None = None
