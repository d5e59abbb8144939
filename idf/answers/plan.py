"""A plan: moves and nothing else, in the notation that a world names.

Every word of the text must be understood; one that is not makes the whole unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ._blocks import Blocks
from ._kind import AnswerKind, Chance, Value
from ._list_markers import has_marker, table_rows, without_markers
from ._moves import in_digits
from ._notation import Named, Notation
from ._plain import LONGEST, as_stated, tidy
from ._ways import Ways

NO_MOVES = "none"  # how an empty plan is written
_MOST_MOVES = 5000
_NONE = re.compile(r"(?:none|no (?:moves?|actions?)(?: (?:is|are))?(?: needed| required| necessary)?)")
# What may stand before the moves: "the shortest sequence of moves is:"
_LEAD = re.compile(
    r"(?:(?:the|a|my|so|final|full|complete|correct|shortest|optimal|required|one|possible|valid) ){0,6}"
    r"(?:(?:move|action) )?(?:answer|solution|plan|path|sequence|list|moves?|actions?|steps?|directions?)"
    r"(?: sequence| list)?(?: of (?:moves?|actions?|steps?))?(?: to take)?(?: ?\((?:in order|from left to right)\))?"
    r"(?: (?:is|are)(?: as follows)? ?[:=]?| ?[:=])\s+"
)
_STEPS = r"(?:moves?|steps?|actions?)"
_LENGTH_BEFORE = re.compile(rf"(?:in )?(\d{{1,4}}) {_STEPS} ?[:=]\s*")
_LENGTH_BEHIND = re.compile(
    rf"[(\[](?:total ?[:=]? ?)?(\d{{1,4}}) {_STEPS}(?: in total| total)?[)\]][. ]{{0,3}}$"
    rf"|[(\[](?:total )?(?:number of )?(?:total )?{_STEPS} ?[:=] ?(\d{{1,4}})[)\]][. ]{{0,3}}$"
    rf"|[,;.\n] ?(?:in |for a )?total(?: of|[:=])? (\d{{1,4}}) {_STEPS}[. ]{{0,3}}$"
    rf"|[,;.\n] ?(\d{{1,4}}) {_STEPS} (?:in )?total[. ]{{0,3}}$"
)
_LENGTH_IN_WORDS = re.compile(rf"[(\[][a-z]{{3,9}} {_STEPS}[)\]]")
_OR = re.compile(r"^\W{0,3}(?:or|alternatively|and|plus|also)\b[,: ]{0,3}")
_DONE = re.compile(r"\s{0,3}[✅✔☑🎉🎯👍🏁]{1,9}\.?$")
_CONTRACTION = re.compile(r"[a-z]['\u2019][a-z]")  # "I'd" names no move
_SAID_TWICE_IN_ALL = re.compile(r"([^()]+?)\s?\(([^()]*[,;\s][^()]*)\)[.\s]{0,3}")
# Remarks behind the moves that change none: which letters are pushes, and what the moves do
_CASE = (
    r"(?:capitals?|upper|lower|case|uppercase|lowercase|letters?|are|is|the|a|denotes?|means?|indicates?|push(?:es)?|moves?|"
    r"and|=|,)"
)
_TOLD = (
    r"(?:the|first|second|third|last|final|moves?|push(?:es)?|player|box|block|and|onto|into|to|target|goal|it|on|place|"
    r"right|left|[udlr])"
)
_REMARK = re.compile(rf" ?[(\[](?:{_CASE}[ ]?){{2,14}}[)\]]\.?$|,? (?:where|which) {_TOLD}(?:,? {_TOLD}){{1,30}}\.?$")
# A plan told like a story: not to be taken for one that is stated, unless the form is firm
_NARRATES = re.compile(r"\b(?:player|you|should|must|slides|pushes|walks)\b|\bmoves (?:the|to|it|up|down|left|right)\b")


@dataclass(frozen=True)
class Plan(AnswerKind):
    """A sequence of moves, as a tuple of the world's actions.

    Attributes:
        notation: How the world's moves are written.
    """

    notation: Notation = field(default_factory=lambda: Named(()))

    kind = "plan"
    called = "the whole list of moves"
    several = True
    prose = False  # "therefore I go up" is a story

    @property
    def form(self) -> str:
        return "<move> <move> ..."

    def read(self, text: str) -> tuple[str, ...] | None:
        said = as_stated(text)
        return None if said is None else self._read(said)

    def _read(self, text: str) -> tuple[str, ...] | None:
        """A number of moves at the end ("(3 moves)") must be that of the plan."""
        if "?" in text:
            return None
        if _NONE.fullmatch(text.strip(" .\"'[](){}")):
            return ()
        if lead := _LEAD.match(text):
            text = text[lead.end() :]
        text = _DONE.sub("", text)
        text, length = _stated_length(_LENGTH_IN_WORDS.sub(lambda words: in_digits(words[0]), text))
        text = without_markers(text)
        if has_marker(text) or _CONTRACTION.search(text):
            return None
        if any(closing in text and opening not in text for opening, closing in ("()", "[]", "{}")):
            return None  # a part of something: "right}2"
        if twice := _SAID_TWICE_IN_ALL.fullmatch(text):
            first, again = self._read(twice[1]), self._read(twice[2])
            if first and again:
                return first if first == again and length in (None, len(first)) else None
        text = table_rows(text)
        plan = self.notation.read(text)
        if plan is None and (shorter := _REMARK.sub("", text)) != text:
            plan = self.notation.read(shorter)
        if not plan or len(plan) > _MOST_MOVES or length not in (None, len(plan)):
            return None
        return tuple(plan)

    def write(self, value: Value) -> str:
        return self.notation.write(value) if value else NO_MOVES

    def stored(self, value: Value) -> list[str]:
        return list(value)

    def mentions(self, text: str) -> bool:
        return self.notation.mentions(tidy(text[:LONGEST]))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> tuple[str, ...]:
        return tuple(walk())

    def names_another(self, text: str, value: Value) -> bool:
        return self.read(_OR.sub("", text)) not in (None, value)

    def names_value_alone(self, text: str) -> bool:
        return True

    def may_be_prose(self, text: str, value: Value) -> bool:
        said = text.strip(" .!,:'\"")
        return bool(value) and (self.notation.is_word(said, value) or bool(_NARRATES.search(said)))


def _stated_length(text: str) -> tuple[str, int | None]:
    """The text without the number of moves that stands before or behind them, and that number."""
    if before := _LENGTH_BEFORE.match(text):
        return text[before.end() :], int(before[1])
    tail = max(0, len(text) - 80)
    if behind := _LENGTH_BEHIND.search(text, tail):
        return text[: behind.start()], int(next(filter(None, behind.groups())))
    return text, None


KIND = Plan
__all__ = ["KIND", "NO_MOVES", "Blocks", "Plan", "Ways"]
