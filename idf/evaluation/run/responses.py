"""Stored responses: somebody else asked, idf scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from idf.backends import Response
from idf.errors import UserError
from idf.files import read_lines
from idf.suites import MODES

MOST_SAMPLES = 9_999  # of a stored response: each number up to it is a row of every item
MOST_TOKENS = 10**12

Stored = dict[tuple[str, str, int], Response]
"""(item id, mode, number of the sample) -> response."""


def read_responses(path: Path) -> Stored:
    """Stored responses: one JSON object a line with `id`, `mode`, `response` and, if known, `sample`, `prompt_tokens`,
    `completion_tokens`, `finish_reason`.

    Raises:
        UserError: The file is missing, or a line is broken or doubled; the line is named.
    """
    responses: Stored = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = (str(row["id"]), str(row["mode"]), _count(row, "sample") or 0)
            response = row["response"]
            if not isinstance(response, str):
                raise TypeError(f"response must be a text, not {response!r}")
            asked, told = _count(row, "prompt_tokens"), _count(row, "completion_tokens")
            finish_reason = row.get("finish_reason")
            if not (finish_reason is None or isinstance(finish_reason, str)):
                raise TypeError(f"finish_reason must be a text, not {finish_reason!r}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{path}, line {number}: not a response: {what}") from None
        if key[1] not in MODES:
            raise UserError(f"{path}, line {number}: unknown mode {key[1]!r}, use one of {', '.join(MODES)}")
        if key in responses:
            which = f", sample {key[2]}" if key[2] else ""
            raise UserError(f"{path}, line {number}: a second response to {key[0]} in mode {key[1]}{which}")
        responses[key] = Response(response, asked, told, finish_reason)
    return responses


def _count(row: dict[str, Any], key: str) -> int | None:
    """A whole number of a row, or None if it is not there."""
    n = row.get(key)
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 0):
        raise TypeError(f"{key} must be a whole number, not {n!r}")
    if n is not None and n > (most := MOST_SAMPLES if key == "sample" else MOST_TOKENS):
        raise TypeError(f"{key} must be at most {most:,}")
    return n
