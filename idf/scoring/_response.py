"""Which of the answers that a response states is its final one, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from idf.answers import IS_ITEM, KINDS, LONGEST, AnswerKind, says_it_is_the_end, tidy
from idf.worlds import WORLDS, Answer, Problem, World

from ._retraction import settle
from ._stated import Stated, stated_answers
from ._thinking import strip_thinking

_PROSE = ("sentence", "label", "bare", "bold")
_UNREADABLE_IS_AMBIGUOUS = ("sentence", "heading")
_LONGEST_BARE = 300
_TEXT_LABEL = re.compile(r"\\text(?:bf)?\{\s{0,3}((?:the )?(?:final )?answer(?: is)? ?:?) ?\}", re.IGNORECASE)
_LABEL = re.compile(r"\banswer\W{0,9}[:=]")
# A question that a base model goes on with, once it has answered its own
_NEXT_QUESTION = re.compile(
    r"^[*_# ]{0,6}(?:question|q|problem|user|human|instruction|input|example|puzzle|task|问题|题目|"
    r"用户)(?: ?#?\d{1,4})?[*_ ]{0,4}[:：.]|"
    r"^<\|?(?:user|im_start)\|?>|^###? ?(?:question|instruction|problem|user|human)\b",
    re.IGNORECASE | re.MULTILINE,
)
_QUESTION_AND_ANSWER = re.compile(
    r"\A\s*(?:q|question)(?: ?\d+)?: [^\n]{1,600}\?\s*\n\s*a(?: ?\d+)?: (?P<answer>[^\n]{1,200})\s*\Z|"
    r"\A\s*a: (?P<alone>[^\n]{1,200})\s*\Z",
    re.IGNORECASE,
)


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
    several candidates. What stands below the one that decides may take it back or correct it.

    Args:
        problem: The problem that was asked.
        response: The whole text.
        cut_off: Whether generation was cut off. Then only firm statements and headings count, and one that reaches the
            end of the text may not be complete: it counts only if it repeats an earlier one.
    """
    asked = WORLDS[problem.world].answer(problem)
    text = _TEXT_LABEL.sub(r"\1 ", strip_thinking(response))
    if pair := _QUESTION_AND_ANSWER.match(text):
        text = f"Answer: {pair['answer'] or pair['alone']}\n" if not cut_off else text
    for question in _NEXT_QUESTION.finditer(text):
        if text[: question.start()].strip():  # up to the first own end, if it has said something by then
            own = _read_text(asked, text[: question.start()], cut_off=False)
            if own.answer is not None:
                return own
            break
    return _read_text(asked, text, cut_off=cut_off)


def _read_text(asked: AnswerKind, text: str, *, cut_off: bool) -> Read:
    places = stated_answers(text)
    if cut_off:
        places = [stated for stated in places if stated.firm or stated.form == "heading"]
        if places and not places[-1].closed and places[-1].end >= len(text):
            last = places[-1]
            places = [stated for stated in places if stated.end < last.begin]
            if not places or not places[-1].text.startswith(last.text):
                return Read(None, last.text)
            text = text[: last.begin]
    for stated in reversed(places):
        if stated.form == "sentence" and not asked.leads_to_value(stated.text):
            continue
        answer, below = _read(asked, stated), text[stated.end :]
        if answer is not None and stated.below_end > stated.end and asked.several and asked.read(stated.text) is None:
            below = text[stated.below_end :]  # what is right below was a part of it
        if answer is None and (split := _first_sentence(asked, stated)):
            answer, rest = split
            below = f"{rest}\n{below}"
        ambiguous = stated.form in _UNREADABLE_IS_AMBIGUOUS and asked.mentions(stated.text[:200])
        if answer is not None or stated.firm or ambiguous:
            return Read(settle(asked, answer, below), stated.text)
    return Read(None, None)


def _first_sentence(asked: AnswerKind, stated: Stated) -> tuple[Answer, str] | None:
    """The answer of the first sentence of a line, where the next ones name no other value: "Answer: red. It was at the back"."""
    if not stated.firm or stated.form == "json" or len(stated.text) > LONGEST:
        return None
    first, end, rest = (
        re.split(r"(?<=[\w*`)\]])([.!](?=\s))", stated.text, maxsplit=1)
        if re.search(r"[\w*`)\]][.!]\s", stated.text)
        else ("", "", "")
    )
    if not end or asked.several:
        return None
    answer = asked.read(first)
    return None if answer is None or asked.names_another(tidy(rest), answer) or "?" in rest else (answer, rest)


def _read(asked: AnswerKind, stated: Stated) -> Answer | None:
    """The answer at one place."""
    text = tidy(stated.text)
    if stated.form in ("conclusion", "last", "bare") and not _may_conclude(asked, stated.form, text):
        return None
    answer = asked.read(stated.text)
    if stated.apart:
        if answer is None and asked.several and stated.firm:
            answer = asked.read(f"{stated.text}\n{stated.below}")
    elif stated.below and asked.several:
        # What is right below may be the rest of the answer; if the line can be read with it and without it, nobody knows.
        together = asked.read(f"{stated.text}\n{stated.below}")
        if answer is None or IS_ITEM.match(stated.text):
            answer = together
        elif together not in (None, answer) and not (
            IS_ITEM.match(stated.below) and asked.read(stated.below) == answer
        ):
            return None  # unless a list says it once more
    elif stated.below and len(stated.below.split()) <= 2:
        again = asked.read(stated.below)
        if answer is not None and again not in (None, answer):
            return None  # "Answer: red", and "blue" on the next line
    if answer is not None and stated.form in _PROSE and asked.may_be_prose(text, answer):
        return None
    return answer


def _may_conclude(asked: AnswerKind, form: str, text: str) -> bool:
    """Whether a sentence may be the answer though nothing marks it as one."""
    if form == "bare":
        if _LABEL.search(text):
            return False  # what an answer line would say, in a form that is none
        return asked.several or (
            asked.may_be_bare(text) and len(text) <= _LONGEST_BARE and not re.search(r"\n|[.!?] ", text)
        )
    if not asked.prose or not asked.may_be_bare(text) or not asked.names_all(text):
        return False
    return form == "conclusion" or says_it_is_the_end(text) or asked.concludes(text)


def other_kind(world: World[Any, Any], kind: str, text: str) -> str | None:
    """The kind of answer that a short text states, if it is another one than asked: a number where a colour is asked."""
    if len(text) > _LONGEST_BARE:
        return None
    some = [answer for answer in world.answers if answer.kind != kind]
    known = {kind, *(answer.kind for answer in some)}
    some += [cls.of_colours(world.colours) for name, cls in KINDS.items() if name not in known]
    return next((answer.kind for answer in some if answer.read(text) is not None), None)
