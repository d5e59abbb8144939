"""One item of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.worlds import Problem

from ._exercise import Exercise


@dataclass(frozen=True)
class Item:
    """What is asked, with a name, as it is evaluated.

    Attributes:
        id: `<file stem>:<row, from 0>` if published, `<world>:<difficulty>:<index>` if generated, with `~<number>`
            behind it if it is the image of that item; `<world>:<difficulty>:<kind>:<index>` of an exercise.
        task: The problem, or the exercise.
        picture: The picture file, or None if it is to be drawn from the state.
        published: The question in the words of its published row; None if the item is generated.
        published_prompt: That question as the published program puts it to a model; None if the item is generated, or
            the clone it was read from lacks the program.
        group: The id of the item whose image under a symmetry of its world it is, its own for that item; None if the suite
            does not ask images.
    """

    id: str
    task: Problem[Any, Any] | Exercise
    picture: Path | None = None
    published: str | None = None
    published_prompt: str | None = None
    group: str | None = None

    @property
    def problem(self) -> Problem[Any, Any]:
        """The problem.

        Raises:
            UserError: It is an exercise: whoever asks for a problem cannot treat it.
        """
        if isinstance(self.task, Exercise):
            raise UserError(
                f"{self.id} is an exercise (kind {self.task.kind} of idf imagery) and no problem of the benchmark, which is "
                "needed here: name a suite made without kinds"
            )
        return self.task

    @property
    def exercise(self) -> Exercise | None:
        """The exercise; None if it is a problem."""
        return self.task if isinstance(self.task, Exercise) else None

    @property
    def scene(self) -> Any:
        """What its picture shows: a problem or a walk."""
        return self.task.shown if isinstance(self.task, Exercise) else self.task

    @property
    def world(self) -> str:
        """The name of its world."""
        return self.task.world

    @property
    def difficulty(self) -> str:
        """Its difficulty."""
        return self.task.difficulty
