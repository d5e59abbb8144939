"""Which of the answers that a response states is its final one, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from idf.answers import IS_ITEM, AnswerKind, tidy
from idf.worlds import WORLDS, Answer, Problem

from ._stated import Stated, stated_answers
from ._visible import visible

_PROSE = ("sentence", "label", "bare")
_UNREADABLE_IS_AMBIGUOUS = ("sentence", "heading")


@dataclass(frozen=True)
class Read:
    """What was read of a response.

    Attributes:
        answer: The final answer, in the form that `World.judge` takes; None if none can be read.
        stated: The text that states it, or that was meant to; None if none does.
    """

    answer: Answer | None
    stated: str | None


def read_response(problem: Problem[Any, Any], response: str, *, cut_off: bool = False) -> Read:
    """Find the final answer of a response and read it.

    The last firm statement decides, readable or not; a loose one behind it decides only if it can be read, or if it names
    several candidates.

    Args:
        problem: The problem that was asked.
        response: The whole text.
        cut_off: Whether generation was cut off. Then only firm statements and headings count, and one that reaches the
            end of the text may not be complete: it counts only if it repeats an earlier one.
    """
    asked = WORLDS[problem.world].answer(problem)
    text = visible(response)
    places = stated_answers(text)
    if cut_off:
        places = [stated for stated in places if stated.firm or stated.form == "heading"]
        if places and not places[-1].closed and places[-1].end >= len(text):
            last = places[-1]
            places = [stated for stated in places if stated.end < last.begin]
            if not places or not places[-1].text.startswith(last.text):
                return Read(None, last.text)
    for stated in reversed(places):
        if stated.form == "sentence" and not asked.leads_to_value(stated.text):
            continue
        answer = _read(asked, stated)
        ambiguous = stated.form in _UNREADABLE_IS_AMBIGUOUS and asked.mentions(stated.text[:200])
        if answer is not None or stated.firm or ambiguous:
            return Read(answer, stated.text)
    return Read(None, None)


def _read(asked: AnswerKind, stated: Stated) -> Answer | None:
    """The answer at one place."""
    text = tidy(stated.text)
    if stated.form == "conclusion" and not asked.concludes(text):
        return None
    if stated.form == "bare" and not asked.may_be_bare(text):
        return None
    answer = asked.read(stated.text)
    if stated.below and asked.several:
        # What is right below may be the rest of the answer; if the line can be read with it and without it, nobody knows.
        together = asked.read(f"{stated.text}\n{stated.below}")
        if answer is None or IS_ITEM.match(stated.text):
            answer = together
        elif together not in (None, answer):
            return None
    elif stated.below and len(stated.below.split()) == 1:
        again = asked.read(stated.below)
        if answer is not None and again not in (None, answer):
            return None  # "Answer: red", and "blue" on the next line
    if answer is not None and stated.form in _PROSE and asked.may_be_prose(text, answer):
        return None
    return answer
