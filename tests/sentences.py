"""What a sentence of ours must say, without how it says it.

An error, a notice or a page is tested for its facts: the file, row, key, option and number that it names, and the remedy.
The words between them may change without a test to change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from idf.errors import UserError

LETTERS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def missing(text: object, *words: object) -> list[str]:
    """The words that a text does not hold; their order and case do not count.

    A word of letters is found with any ending: "remov" in "removed", "1 sample" in "1 samples", but "data" neither in
    "metadata" nor in "data_root". Whatever else (a number, a key, an option, a path) stands whole: 1 is not in "11", "1.5"
    or "1,000", "--limit" not in "--limit-mm", and "runs/a" not in "runs/a/b".

    Args:
        text: A sentence, a page, or an exception; runs of blanks count as one.
        words: Texts or numbers; at least one.
    """
    assert words, "without words, every sentence would do"
    said = " ".join(str(text).split())
    return [word for word in map(str, words) if not _pattern(word).search(said)]


def _pattern(word: str) -> re.Pattern[str]:
    whole = word[-1].isalnum() and not LETTERS.fullmatch(word.split()[-1])
    before = r"(?<!\w)(?<!\d[.,])" if word[0].isalnum() else ""
    after = r"(?!\w)(?![-.,:/]\w)" if whole else r"(?![^\W\d_]*[\d_])" if word[-1].isalnum() else ""
    return re.compile(before + re.escape(" ".join(word.split())) + after, re.IGNORECASE)


def says(text: object, *words: object) -> None:
    """Assert that a text holds each of the words, as `missing` finds them."""
    lost = missing(text, *words)
    assert not lost, f"{lost} not said in: {text}"


def line_that_says(lines: str | Iterable[str], *words: object) -> str:
    """The first line that holds each of the words, of a text or of lines; assert that there is one."""
    lines = lines.splitlines() if isinstance(lines, str) else list(lines)
    found = [line for line in lines if not missing(line, *words)]
    assert found, f"no line says {words}: {lines}"
    return found[0]


@contextmanager
def refused(*words: object, by: type[Exception] = UserError) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Assert that what is inside raises an error whose message is one line and holds each of the words.

    Args:
        words: As `missing` takes them: enough to tell this error from any other.
        by: The class of the error.

    Yields:
        What `pytest.raises` yields, for what else the message must hold.
    """
    with pytest.raises(by) as refusal:
        yield refusal
    message = str(refusal.value)
    assert "\n" not in message, f"more than one line: {message}"
    says(message, *words)
