"""Reading how many cubes have each colour."""

from __future__ import annotations

import re
from typing import Any

from idf.worlds import World

from ._lists import without_markers
from ._values import LONGEST, NUMBER_WORDS, spell

STATED_TOTAL = "stated total"
"""The key under which a total is kept that contradicts the counts; no truth has it."""

# Words that may stand beside the colours and numbers; any other word makes the answer unreadable.
_FILLERS = frozenset(
    ("a", "all", "an", "answer", "are", "be", "by", "block", "blocks", "breakdown", "can", "color", "colored", "colors")
    + ("colour", "coloured", "colours", "consisting", "count", "counts", "cube", "cubes", "distribution", "each")
    + ("exactly", "face", "faces", "following", "for", "from", "fully", "have", "i", "in", "is", "it", "number", "of")
    + (
        "ones",
        "per",
        "seen",
        "see",
        "side",
        "that",
        "the",
        "their",
        "them",
        "there",
        "these",
        "they",
        "total",
        "totals",
    )
    + ("view", "viewing", "viewpoint", "visible", "we", "when", "which", "will", "with", "you", "your", "direction")
    + ("front", "back", "top", "bottom", "left", "right", "final", "here", "unit")
)
_WORDS = {word: str(n) for n, word in enumerate(NUMBER_WORDS)}
_ONE_AS_PRONOUN = re.compile(r"\bone (?=can\b|could\b|sees?\b|would\b)|\bwhich one\b")
_RULE_OF_A_TABLE = re.compile(r"^[\s|:+-]*$", re.MULTILINE)


def read_colour_counts(world: World[Any, Any], text: str) -> dict[str, int] | None:
    """The counts that a tidy text states, clause by clause.

    What cannot be read makes the whole unreadable, never a part of it right. A total that is stated beside the counts
    must be their sum: one that is not is kept as `STATED_TOTAL`, so that the answer equals no truth.
    """
    if len(text) > LONGEST or "?" in text:
        return None
    counts: dict[str, int] = {}
    totals: set[int] = set()
    for clause in re.split(r"[,;:()\[\]{}\n\"'|+=]|\band\b|\bplus\b|\.(?!\d)| [-–—] ", _spelled(world, text)):
        parts = re.findall(r"[^\W\d_]+|[\d.]+|[^\w\s]", clause)
        said = [part for part in parts if part in world.colours or part[0].isdigit()]
        if any(part not in said and part not in _FILLERS for part in parts):
            return None
        if any(part[0].isdigit() and not re.fullmatch("[0-9]{1,3}", part) for part in said):
            return None
        kinds = "".join("n" if part[0].isdigit() else "c" for part in said)
        if not kinds:
            continue
        if kinds == "n":
            totals.add(int(said[0]))
            continue
        if not re.fullmatch("(cn)+|(nc)+", kinds):
            return None
        for first, second in zip(said[::2], said[1::2], strict=True):
            colour, n = (first, int(second)) if kinds[0] == "c" else (second, int(first))
            if counts.setdefault(colour, n) != n:
                return None  # the same colour twice, with different numbers
    if not counts or len(totals) > 1:
        return None
    counts = {colour: counts[colour] for colour in world.colours if counts.get(colour)}
    if totals and totals != {sum(counts.values())}:
        counts[STATED_TOTAL] = totals.pop()
    return counts


def _spelled(world: World[Any, Any], text: str) -> str:
    """The text with each number in digits and nothing but a blank between a colour and its number."""
    colours = "|".join(world.colours)
    cubes = r"(?: (?:cubes?|blocks?|ones?|faces?))?"
    text = _RULE_OF_A_TABLE.sub("", without_markers(spell(world, text)))
    text = _ONE_AS_PRONOUN.sub("", text)
    number = r"(?:\d{1,3}|an?|" + "|".join(NUMBER_WORDS) + ")"
    text = re.sub(rf"\b({number} (?:{colours})) ones?\b", r"\1", text)
    text = re.sub(rf"\bno (?=(?:{colours})\b)", "0 ", text)
    text = re.sub(rf"\ban? (?=(?:single )?(?:{colours})\b)", "1 ", text).replace(" single ", " ")
    text = re.sub(r"\b(?:" + "|".join(NUMBER_WORDS) + r")\b", lambda word: _WORDS[word[0]], text)
    text = re.sub(rf"[\"']?\b({colours}){cubes}[\"']? ?(?:->|[:=x×|-]|\bis\b|\bare\b) ?[\"']?(?=\d)", r"\1 ", text)
    text = re.sub(rf"\b({colours}){cubes} ?\( ?(?:x ?|× ?)?(\d{{1,3}}) ?(?:x|×|cubes?)? ?\)", r"\1 \2", text)
    return re.sub(rf"(?<=\d) ?[x×] ?(?=(?:{colours})\b)", " ", text)
