"""Lists as models write them: bullets, and numbers that count on."""

from __future__ import annotations

import re

_BULLET = re.compile(r"^ ?(?:[-+*•·–—] )+", re.MULTILINE)
# "1. ", "2) ", "step 4: "; a number that belongs to what is said has no such mark behind it.
_MARKER = re.compile(
    r"(?:^ ?\(?|(?<=[\s,;.])\(?)(?:(?:step|move|action) ?#?(\d{1,4})(?: ?[:.)]+| -)|(\d{1,4})[.)])(?= )", re.M
)
_AT_A_LINE_START = re.compile(r"^ ?\(?(?:(?:step|move|action) ?#?)?\d{1,4}[.)] ", re.MULTILINE)
IS_ITEM = re.compile(r"^\s{0,40}(?:[-+*•·–—]\s|\(?\d{1,4}[.)]\s|\||step \d)", re.IGNORECASE)
"""Whether a line is an item of a list or a row of a table."""


def without_markers(text: str) -> str:
    """The text without bullets, and without the numbers of a list if they count 1, 2, 3, ... from its beginning."""
    text = _BULLET.sub("", text)
    markers = list(_MARKER.finditer(text))
    numbers = [int(match[1] or match[2]) for match in markers]
    if not markers or numbers != list(range(1, len(numbers) + 1)):
        return text
    begins_a_line = not text[: markers[0].start()].rpartition("\n")[2].strip()
    return _MARKER.sub("\n", text) if begins_a_line else text


def has_marker(text: str) -> bool:
    """Whether a line begins like a numbered item: "4. "."""
    return bool(_AT_A_LINE_START.search(text))


_TABLE = re.compile(
    r"\s*(\|[^\n]*\|)[^\S\n]*\n[^\S\n]*\|[\s|:-]*-[\s|:-]*\|[^\S\n]*\n((?:[^\S\n]*\|[^\n]*\|[^\S\n]*(?:\n|$))+)\s*"
)
_HEAD = frozenset(
    ("step", "move", "moves", "action", "direction", "block", "no", "no.", "number", "#", "", "piece", "way")
)


def table_rows(text: str) -> str:
    """A table of steps as lines without its head and its running numbers; any other text as it is."""
    table = _TABLE.fullmatch(text)
    if table is None or not {cell.strip() for cell in table[1].strip().strip("|").split("|")} <= _HEAD:
        return text
    rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table[2].strip().splitlines()]
    if all(row[0] == str(number) for number, row in enumerate(rows, 1)):
        rows = [row[1:] for row in rows]
    return "\n".join(" ".join(row) for row in rows)
