"""In which of the three lengths of the oracle a response of Cube Rolling is told, by its first numbered line."""

from __future__ import annotations

import re
from pathlib import Path

from idf.evaluation import read_samples
from idf.worlds import LENGTHS

_FORMS = {
    "full": re.compile(r"1\. \w+:(?: \w+){6}"),  # the roll, then all six faces
    "changes": re.compile(r"1\. \w+(?: \w+){7}"),  # the four faces that change, each with its new colour
    "needed": re.compile(r"\d+\. \w+: \w+ \w+"),  # the roll, then one face and its colour
}
NO_FORM = "-"


def form_of(response: str) -> str:
    """The first letter of a length of `idf.worlds.LENGTHS`; `NO_FORM` if the response is in none.

    Args:
        response: A response to a problem of Cube Rolling.
    """
    numbered = next((line for line in response.splitlines() if re.match(r"\d+\. ", line)), "")
    return next((length[0] for length in LENGTHS if _FORMS[length].fullmatch(numbered)), NO_FORM)


def forms_of(folder: Path, ids: list[str], mode: str) -> str:
    """A letter for each response of an evaluation, in the order of the items.

    Args:
        folder: Where `idf-eval` wrote.
        ids: Of the items.
        mode: The mode that counts.
    """
    said = {row.id: row.response for row in read_samples(folder) if row.mode == mode}
    return "".join(form_of(said[id]) for id in ids)
