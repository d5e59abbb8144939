"""Which of the answers that a response states is its final one, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from idf.worlds import WORLDS, Answer, Problem, World

from ._lists import IS_ITEM
from ._parse import mentions, parse_answer
from ._stated import Stated, stated_answers
from ._tidy import tidy
from ._values import NUMBER_WORDS
from ._visible import visible

# A plan told like a story: not to be taken for one that is stated, unless the form is firm
_NARRATES = re.compile(r"\b(?:player|you|should|must|slides|pushes|walks)\b|\bmoves (?:the|to|it|up|down|left|right)\b")
_ALSO_WORDS = frozenset(("dull", "lull", "rudd"))  # that consist of u, d, l and r
_LONGEST_BARE = 150
# A concluding sentence with one of these speaks of a state on the way.
_ON_THE_WAY = re.compile(
    r"\b(?:step|roll|move|turn|before|when|while|initially|first|second|third|next|now|start|began|was|were|if)\b"
    r"|\bafter (?!(?:\w{1,12} ){0,2}all\b|(?:\w{1,12} ){0,2}the (?:last|final|whole|entire)\b)"
)
_VALUES = {colour for world in WORLDS.values() for colour in world.colours} | {"gray", "grey", *NUMBER_WORDS}
_VALUES |= {str(number) for number in range(1000)}
# Words that may stand between "the answer is" and a colour or a number
_WORDS_BEFORE = """
    a again are at b back be bottom c center clearly color colour cube d definitely down e either end exactly f face faces
    final front in indeed is it its left likely maybe middle most must neither nor not now number of on option or probably
    right should show shows side simply square squares start still that the there therefore this thus to top total up will
    would
"""
_BEFORE_A_VALUE = frozenset(_WORDS_BEFORE.split())
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
    world = WORLDS[problem.world]
    kind = world.answer_kind(problem)
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
        if stated.form == "sentence" and kind in ("colour", "count") and not _leads_to_a_value(stated.text):
            continue
        answer = _read(world, kind, world.asked(problem), stated)
        ambiguous = stated.form in _UNREADABLE_IS_AMBIGUOUS and mentions(world, kind, stated.text[:200])
        if answer is not None or stated.firm or ambiguous:
            return Read(answer, stated.text)
    return Read(None, None)


def _read(world: World[Any, Any], kind: str, asked: str, stated: Stated) -> Answer | None:
    """The answer at one place."""
    text = tidy(stated.text)
    if stated.form == "conclusion" and not _concludes(kind, asked, text):
        return None
    if stated.form == "bare" and kind in ("colour", "count"):
        one_sentence = len(text) <= _LONGEST_BARE and not re.search(r"\n|[.!?] ", text)
        if not one_sentence or not (len(text.split()) == 1 or _concludes(kind, asked, text)):
            return None
    answer = parse_answer(world, kind, stated.text)
    if stated.below and kind in ("plan", "colour_counts"):
        # What is right below may be the rest of the answer; if the line can be read with it and without it, nobody knows.
        together = parse_answer(world, kind, f"{stated.text}\n{stated.below}")
        if answer is None or IS_ITEM.match(stated.text):
            answer = together
        elif together not in (None, answer):
            return None
    elif stated.below and len(stated.below.split()) == 1:
        again = parse_answer(world, kind, stated.below)
        if answer is not None and again not in (None, answer):
            return None  # "Answer: red", and "blue" on the next line
    if kind == "plan" and answer and stated.form in _PROSE and _may_be_prose(text, answer):
        return None
    return answer


def _may_be_prose(text: str, plan: tuple[str, ...]) -> bool:
    """Whether a plan may as well be a word or two of prose, as in "The answer is right"."""
    said = text.strip(" .!,:'\"")
    one_word = len(plan) == 1 and not re.search(r"(?<![\w'])\d?[udlr]\d?(?![\w'])|\d", said)
    return one_word or said in _ALSO_WORDS or bool(_NARRATES.search(said))


def _leads_to_a_value(text: str) -> bool:
    """Whether "the answer is" goes on to name a value: not "... found by rolling the cube, whose blue face is below"."""
    words = re.findall(r"[a-z]+|\d+", tidy(text))
    return next((word in _VALUES for word in words if word not in _BEFORE_A_VALUE), False)


def _concludes(kind: str, asked: str, text: str) -> bool:
    """Whether a concluding sentence speaks of the end, and names all that was asked."""
    words = set(re.findall("[a-z]+", text.replace("grey", "gray")))
    wanted = set(re.findall("[a-z]+", asked.replace("grey", "gray")))
    return kind != "plan" and wanted <= words and not _ON_THE_WAY.search(text)
