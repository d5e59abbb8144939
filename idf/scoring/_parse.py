"""What a stated answer says, by kind; strict: it prefers to say "unparsed" over guessing."""

from __future__ import annotations

from typing import Any

from idf.answers import KINDS
from idf.worlds import Answer, World

from ._stated import stated_answers
from ._thinking import strip_thinking


def final_answer(response: str) -> str | None:
    """What the last `Answer:` line says, or None if there is no such line; if it is empty, what stands below it.

    This is the one form that prompts ask for. `score` also reads the others, see `docs/scoring.md`.
    """
    lines = [stated for stated in stated_answers(strip_thinking(response)) if stated.form == "line"]
    return lines[-1].text if lines else None


def parse_answer(world: World[Any, Any], kind: str, text: str) -> Answer | None:
    """The answer that a text states, in the form that `World.judge` takes, or None if it does not state one.

    It knows no problem, so that nothing is asked of a certain face or side: `World.answer(problem).read(text)` does.

    Args:
        world: The world that the answer belongs to (its colour names, its actions).
        kind: The name of a kind of answer, one of `idf.answers.KINDS`.
        text: What stands after `Answer:`.

    Raises:
        ValueError: The kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of answer {kind!r}: use one of {', '.join(KINDS)}")
    return next(
        (answer for answer in world.answers if answer.kind == kind), KINDS[kind].of_colours(world.colours)
    ).read(text)


def write_answer(kind: str, answer: Answer) -> str:
    """An answer as it should stand after `Answer:`; `parse_answer` reads it back.

    A plan is written as most worlds write it; `World.answer(problem).write` knows a notation of a world's own.
    """
    return KINDS[kind]().write(answer)
