"""What a stated answer says, by kind; strict: it prefers to say "unparsed" over guessing."""

from __future__ import annotations

import re
from typing import Any

from idf.worlds import Answer, World
from idf.worlds.mental_rotation import counts_text

from ._counts import read_colour_counts
from ._plan import NO_MOVES, read_plan
from ._stated import stated_answers
from ._tidy import LONGEST, tidy
from ._values import named_colours, named_numbers, read_colour, read_count
from ._visible import visible

KINDS = ("colour", "count", "colour_counts", "plan")
_AGAIN = re.compile(r"\s*(?:the )?(?:final )?answer(?: is)? ?[:=] ?")


def final_answer(response: str) -> str | None:
    """What the last `Answer:` line says, or None if there is no such line; if it is empty, what stands below it.

    This is the one form that prompts ask for. `score` also reads the others, see `docs/scoring.md`.
    """
    lines = [stated for stated in stated_answers(visible(response)) if stated.form == "line"]
    return lines[-1].text if lines else None


def parse_answer(world: World[Any, Any], kind: str, text: str) -> Answer | None:
    """The answer that a text states, in the form that `World.judge` takes, or None if it does not state one.

    Args:
        world: The world that the answer belongs to (its colour names, its actions).
        kind: "colour", "count", "colour_counts" or "plan".
        text: What stands after `Answer:`.

    Raises:
        ValueError: The kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of answer {kind!r}")
    if len(text) > LONGEST:
        return None
    text = tidy(text)
    if again := _AGAIN.match(text):
        text = text[again.end() :]
    if re.search(r"\banswer ?[:=]", text):
        return None  # two answers in one
    if kind == "colour":
        return read_colour(world, text)
    if kind == "count":
        return read_count(text)
    if kind == "colour_counts":
        return read_colour_counts(world, text)
    return read_plan(world, text)


def mentions(world: World[Any, Any], kind: str, text: str) -> bool:
    """Whether a text that cannot be read names what could be an answer all the same: then it is ambiguous, not prose."""
    text = tidy(text[:LONGEST])
    if kind == "colour":
        return bool(named_colours(world, text))
    if kind == "count":
        return bool(named_numbers(text))
    if kind == "colour_counts":
        return bool(named_colours(world, text) and named_numbers(text))
    return bool(re.search(r"(?<![\w'])(?:\d?[udlr]\d?)(?![\w'])", text))


def write_answer(kind: str, answer: Answer) -> str:
    """An answer as it should stand after `Answer:`; `parse_answer` reads it back."""
    if kind == "colour_counts":
        return counts_text(answer)
    if kind == "plan":
        return " ".join(answer) or NO_MOVES
    return str(answer)
