"""What stands below an answer line that says nothing itself, or not all."""

from __future__ import annotations

import re

from idf.answers import IS_ITEM, LONGEST, json_value, unwrapped

_FENCES = {"```": "```", "\\[": "\\]", "$$": "$$"}
# What may come after a JSON value: not another one, of which it would be only a part
_ENDS_VALUE = re.compile(r"[ \t*_`$.]{0,10}(?:\Z|\n(?!\s{0,9}[\[{]))")
_MOST_BLANK_LINES = 4
UNREADABLE = "?"  # stands behind what was not read to its end: no kind of answer reads over it


def text_below(text: str, at: int, stops_at: re.Pattern[str]) -> tuple[str, int]:
    """The paragraph, list, JSON value or fenced block below a line.

    Args:
        text: The whole text.
        at: A place on the line.
        stops_at: What a line begins with that is no longer part of it.

    Returns:
        What stands there, empty if nothing does, and where it ends.
    """
    reach = min(len(text), at + LONGEST)
    at = text.find("\n", at, reach) + 1 or reach
    blank = re.compile(rf"(?:[^\S\n]*\n){{0,{_MOST_BLANK_LINES}}}[^\S\n]*").match(text, at, reach)
    begin = blank.end() if blank else at
    if begin >= reach or text[begin] == "\n":
        return "", at
    for opening, closing in _FENCES.items():
        if text.startswith(opening, begin):
            return _fenced(text, begin + len(opening), closing, reach)
    if text[begin] in "[{" and (value := json_value(text, begin)) and _ENDS_VALUE.match(text, value[1]):
        return value[0], value[1]
    return _paragraph(text, begin, stops_at, reach)


def _fenced(text: str, inside: int, closing: str, reach: int) -> tuple[str, int]:
    """What stands between fences; the name of a language behind the first one is none of it."""
    if closing == "```":
        inside = text.find("\n", inside, reach) + 1 or reach
    end = text.find(closing, inside, reach)
    if end < 0:
        return text[inside:reach] + (UNREADABLE if reach < len(text) else ""), reach
    return unwrapped(text[inside:end]), end + len(closing)


def _paragraph(text: str, begin: int, stops_at: re.Pattern[str], reach: int) -> tuple[str, int]:
    """Lines up to a blank one; the items of a list may have blank lines between them."""
    lines = text[begin:reach].split("\n")
    listed = bool(IS_ITEM.match(lines[0]))
    kept = [lines[0]]
    for n, line in enumerate(lines[1:], 1):
        goes_on = line.strip() or (listed and n + 1 < len(lines) and IS_ITEM.match(lines[n + 1]))
        if not goes_on or line.startswith(("#", "```")) or stops_at.match(line):
            break
        kept.append(line)
    block = "\n".join(kept)
    end = begin + len(block)
    if end >= reach < len(text):
        return block + UNREADABLE, end
    return block, end if text[end:reach].strip() else reach  # a list that nothing follows may go on
