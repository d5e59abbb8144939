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
