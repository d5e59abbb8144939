"""The words of a line as models write it: any case, with Markdown marks, brackets, commas, an "is" or "at" between."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"-?[0-9]+|[^\W\d_]+|[^\s,;:=/|()\[\]{}\"']")
_SAYING = frozenset(("and", "are", "at", "face", "in", "is", "now", "shows", "the"))


@lru_cache(maxsize=4096)  # a reader looks at a line several times
def plain(text: str) -> str:
    """The text in lower case, less Markdown marks and a full stop at the end; blanks are squeezed."""
    for mark, meant in (("*", ""), ("`", ""), ("_", ""), ("\u2212", "-")):  # the last is a typographer's minus
        text = text.replace(mark, meant)
    return " ".join(text.casefold().split()).rstrip(" .,;")


def read_words(text: str) -> list[str]:
    """The words and whole numbers of a line, less what may stand around them in any wording.

    A sign that separates nothing is a word of its own, so that nobody reads over it.
    """
    return [word for word in _WORD.findall(plain(text)) if word not in _SAYING]
