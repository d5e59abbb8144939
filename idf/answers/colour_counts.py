"""Colour counts: how many things of each colour, clause by clause."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._colours import spelled_as
from ._kind import AnswerKind, Chance, Value
from ._list_markers import without_markers
from ._plain import LONGEST, as_stated, tidy
from ._value import elsewhere
from ._words import (
    COLOUR_SIGNS,
    LONGEST_VALUE,
    NUMBER_WORDS,
    WORD,
    is_mark,
    is_remark,
    named_numbers,
    places_in,
    speaks_of_the_end,
)

STATED_TOTAL = "stated total"
"""The key under which a total is kept that contradicts the counts; no truth has it."""

# Words that may stand beside the colours and numbers; any other word makes the answer unreadable.
_FILLER_WORDS = """
    a all an answer appear appears are back be block blocks bottom breakdown by can color colored colors colour
    coloured colours consisting count counts cube cubes direction distribution each exactly face faces final
    following for from front fully given have here i in is it left looking number of ones per perspective right
    see seen side specified structure that the their them there these they this top total totals unit view viewing
    viewpoint visible we when which will with you your
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_WORDS = {word: str(n) for n, word in enumerate(NUMBER_WORDS)}
_ONE_AS_PRONOUN = re.compile(r"\bone (?=can\b|could\b|sees?\b|would\b)|\bwhich one\b")
_RULE_OF_A_TABLE = re.compile(r"^[\s|:+-]*$", re.MULTILINE)


_THIS_VIEW = re.compile(r"\bfrom (?:this|that|the given|the specified) (?:view|viewpoint|side|direction|perspective)\b")
_REMARKS = re.compile(r" ?\(([^()]{0,200})\)")
_DONE = re.compile(r"\s{0,3}[✅✔☑🎉🎯👍]{1,9}\.?$")
_UNSEEN = re.compile(r"\b(?:hidden|hides|behind|obscured|occluded|covered|covers|invisible|not|excluding)\b")


@dataclass(frozen=True)
class ColourCounts(AnswerKind):
    """How many cubes have each colour, as a dict from colour to number without zeros.

    Attributes:
        colours: The names of colours, in the order in which they are written.
        asked: The words of the side from which one looks; what another side shows is no answer.
    """

    colours: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    kind = "colour_counts"
    called = "the numbers of cubes by colour"
    several = True

    @classmethod
    def of_colours(cls, colours: Sequence[str]) -> ColourCounts:
        return cls(tuple(colours))

    @property
    def form(self) -> str:
        return "<total> cubes: <colour> <number>, <colour> <number>, ..."

    def read(self, text: str) -> dict[str, int] | None:
        """The counts that a text states.

        What cannot be read makes the whole unreadable, never a part of it right. A total that is stated beside the counts
        must be their sum: one that is not is kept as `STATED_TOTAL`, so that the answer equals no truth.
        """
        said = as_stated(text)
        if said is None or not self.colours or len(said) > LONGEST_VALUE or "?" in said:
            return None
        if (said_plain := _plain(said, self.colours)) is None or elsewhere(said_plain, self.asked):
            return None
        said = said_plain
        counts: dict[str, int] = {}
        totals: set[int] = set()
        for clause in re.split(
            r"[,;:()\[\]{}\n\"'|+=]|\band\b|\bplus\b|\.(?!\d)| [-–—] ", _spelled(said, self.colours)
        ):
            parts = re.findall(r"[^\W\d_]+|[\d.]+|[^\w\s]", clause)
            named = [part for part in parts if part in self.colours or part[0].isdigit()]
            if any(part not in named and part not in _FILLERS and not is_mark(part) for part in parts):
                return None
            if any(part[0].isdigit() and not re.fullmatch("[0-9]{1,3}", part) for part in named):
                return None
            kinds = "".join("n" if part[0].isdigit() else "c" for part in named)
            if not kinds:
                continue
            if kinds == "n":
                totals.add(int(named[0]))
                continue
            if not re.fullmatch("(cn)+|(nc)+", kinds):
                return None
            for first, second in zip(named[::2], named[1::2], strict=True):
                colour, n = (first, int(second)) if kinds[0] == "c" else (second, int(first))
                if counts.setdefault(colour, n) != n:
                    return None  # the same colour twice, with different numbers
        if not counts or len(totals) > 1:
            return None
        counts = {colour: counts[colour] for colour in self.colours if counts.get(colour)}
        if totals and totals != {sum(counts.values())}:
            counts[STATED_TOTAL] = totals.pop()
        return counts

    def write(self, value: Value) -> str:
        """In the form that is asked for: "3 cubes: red 2, blue 1"."""
        total = sum(value.values())
        return f"{total} cube{'' if total == 1 else 's'}: {', '.join(f'{colour} {n}' for colour, n in value.items())}"

    def mentions(self, text: str) -> bool:
        said = spelled_as(tidy(text[:LONGEST]), self.colours)
        return not set(WORD.findall(said)).isdisjoint(self.colours) and bool(named_numbers(said))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> dict[str, int]:
        guess = {colour: rng.below(n + 1) for colour, n in initial.items()}
        return {colour: n for colour, n in guess.items() if n} or dict(initial)

    def names_all(self, text: str) -> bool:
        return places_in(" ".join(self.asked)) <= places_in(text) or bool(_THIS_VIEW.search(text))

    def may_be_bare(self, text: str) -> bool:
        return speaks_of_the_end(text)


def _plain(text: str, colours: Sequence[str]) -> str | None:
    """The text without remarks in brackets on what is not seen; None if one is not understood, or a number is no exact one."""
    if re.search(r"\d ?\+(?= ?(?:cubes?|blocks?|visible|total|\)|,|:|$))|[<>≤≥≈~±]", text):
        return None
    for sign, colour in COLOUR_SIGNS.items():
        text = re.sub(rf"{sign}\s*(?={colour}\b)", "", text).replace(sign, f" {colour} ")
    failed = False

    def outside(match: re.Match[str]) -> str:
        nonlocal failed
        if not _UNSEEN.search(match[1]):
            return match[0]
        names_what = re.search(r"\b(?:cubes?|ones?|blocks?|rest|others?|" + "|".join(colours) + r")\b", match[1])
        failed = failed or not (names_what or re.search(r"\b0 ?$", text[: match.start()]))
        failed = failed or not is_remark(
            match[1].replace("excluding ", "hidden "), {*colours, "gray", "grey", "not", "no"}
        )
        return " "

    text = _REMARKS.sub(outside, _DONE.sub("", text).replace("&", " and "))
    return None if failed else text


def _spelled(text: str, names: Sequence[str]) -> str:
    """The text with each number in digits and nothing but a blank between a colour and its number."""
    colours = "|".join(names)
    cubes = r"(?: (?:cubes?|blocks?|ones?|faces?))?"
    text = _RULE_OF_A_TABLE.sub("", without_markers(spelled_as(text, names)))
    text = _ONE_AS_PRONOUN.sub("", text)
    each_of = re.compile(
        rf"\b(\d{{1,3}}|{'|'.join(NUMBER_WORDS)}) (?:cubes? )?(?:of )?each(?: of|"
        rf" colou?r)?:? ((?:(?:{colours})(?:, and | and |, )?){{2,6}})"
    )
    number = r"(?:\d{1,3}|an?|" + "|".join(NUMBER_WORDS) + ")"
    text = re.sub(rf"\b({number} (?:{colours})) ones?\b", r"\1", text)
    text = each_of.sub(lambda each: ", ".join(f"{each[1]} {name}" for name in re.findall(colours, each[2])), text)
    text = re.sub(rf"\bno (?=(?:{colours})\b)", "0 ", text)
    text = re.sub(rf"\ban? (?=(?:single )?(?:{colours})\b)", "1 ", text).replace(" single ", " ")
    text = re.sub(r"\b(?:" + "|".join(NUMBER_WORDS) + r")\b", lambda word: _WORDS[word[0]], text)
    text = re.sub(rf"[\"']?\b({colours}){cubes}[\"']? ?(?:->|[:=x×|-]|\bis\b|\bare\b) ?[\"']?(?=\d)", r"\1 ", text)
    text = re.sub(rf"\b({colours}){cubes} ?\( ?(?:x ?|× ?)?(\d{{1,3}}) ?(?:x|×|cubes?)? ?\)", r"\1 \2", text)
    return re.sub(rf"(?<=\d) ?[x×] ?(?=(?:{colours})\b)", " ", text)


KIND = ColourCounts
