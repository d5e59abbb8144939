"""Names of colours: one colour has one spelling within a world, and models write both of gray and grey."""

from __future__ import annotations

import re
from collections.abc import Collection

_GRAY = re.compile("gr[ae]y", re.IGNORECASE)


def plain_colours(text: str) -> str:
    """The text with every grey spelled gray, so that texts of different worlds can be compared."""
    return _GRAY.sub("gray", text)


def spelled_as(text: str, colours: Collection[str]) -> str:
    """The text with gray and grey spelled as these colours have it."""
    return _GRAY.sub("grey" if "grey" in colours else "gray", text)
