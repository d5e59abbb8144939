"""Stored responses: somebody else asked, idf scores."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.backends import Response, notes_on, read_completion, reason_of
from idf.errors import UserError
from idf.files import read_lines, read_text
from idf.suites import MODES

from .custom_id import asked_by

MOST_SAMPLES = 9_999  # of a stored response: each number up to it is a row of every item
MOST_TOKENS = 10**12
MOST_REASON = 300  # characters of what a service says of a failure
OURS = "a response in idf's own form (id, mode, response)"
BATCH = "a line of a batch's output (custom_id, response)"

Key = tuple[str, str, int]
Stored = dict[Key, Response]
"""(item id, mode, number of the sample) -> response."""


def read_responses(path: Path) -> Stored:
    """Stored responses, in one of two forms that are told by their keys.

    Ours: objects with `id`, `mode`, `response` and, if known, `sample`, `prompt_tokens`, `completion_tokens`, `finish_reason`,
    `seconds`.
    A batch's output: objects with `custom_id` (as `idf prompts` writes it), `response` and `error`. A request that failed is
    a failed response, unless another line answers it. Several choices are samples, numbered from that of the request.

    Args:
        path: A file with one object a line, or with a JSON list of objects; or a folder, of which each *.jsonl is read.

    Raises:
        UserError: There is no such file, an object is broken or doubled, or both forms are there; the line is named.
    """
    responses: Stored = {}
    places: dict[str, str] = {}  # of the first object of each form
    for where, row in _rows(path):
        form = BATCH if isinstance(row, dict) and "custom_id" in row and "mode" not in row else OURS
        places.setdefault(form, where)
        if len(places) > 1:
            told = ", but ".join(f"{place}: {form}" for form, place in places.items())
            raise UserError(f"{told}: give responses of one form at a time")
        try:
            found = _batched(row) if form == BATCH else [_own(row)]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            what = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{where}: not a response: {what}") from None
        for key, response in found:
            held = responses.get(key)
            if held is None or (form == BATCH and _failed(held)):
                responses[key] = response
            elif form == OURS or not _failed(response):
                which = f", sample {key[2]}" if key[2] else ""
                raise UserError(
                    f"{where}: a second response to {key[0]} in mode {key[1]}{which}: remove one, or number them with the key "
                    '"sample" (0, 1, ...)'
                )
    return responses


def modes_of(stored: Stored, asked: Sequence[str] | None, path: Path) -> list[str]:
    """The modes to score.

    Args:
        stored: The responses.
        asked: The modes that were asked for; None for those of the responses.
        path: Where they come from, for messages.

    Raises:
        UserError: There is no response, or none in a mode that was asked for.
    """
    if not stored:
        raise UserError(f"{path} holds no response")
    found = Counter(mode for _, mode, _ in stored)
    if asked is None:
        return [mode for mode in MODES if found[mode]]
    if lacking := [mode for mode in asked if not found[mode]]:
        has = ", ".join(f"{mode} ({found[mode]:,})" for mode in MODES if found[mode])
        raise UserError(
            f"--modes asks for {', '.join(lacking)}, and {path} has no such response, only in mode {has}: name those, or "
            "leave the option out"
        )
    return list(asked)


@dataclass(frozen=True)
class Matched:
    """The stored responses that are scored.

    Attributes:
        responses: Those to items and in modes that are asked.
        failed: How many of them stand for requests that failed.
        notes: Sentences on what was left out, what failed, and what the replies show.
    """

    responses: Stored
    failed: int
    notes: list[str]


def matched(
    stored: Stored, suite: Collection[str], asked: Collection[str], modes: Sequence[str], path: Path
) -> Matched:
    """The stored responses that are scored.

    Args:
        stored: The responses.
        suite: The ids of all items of the suite.
        asked: The ids of those that are asked.
        modes: The modes that are asked.
        path: Where the responses come from, for messages.

    Raises:
        UserError: Responses belong to no item of the suite, to none that is asked, or all failed.
    """
    known, wanted, shown = set(suite), set(asked), set(modes)
    strange = [key for key in stored if key[0] not in known]
    if len(strange) == len(stored):
        raise UserError(
            f"{path}: none of {len(stored):,} responses belongs to an item of the suite: they are to {_some(ids_of(stored))} "
            f"in mode {', '.join(modes_of(stored, None, path))}, and the suite has {_some(suite)}"
        )
    if strange:
        belong = "response belongs" if len(strange) == 1 else "responses belong"
        named = _some(ids_of(strange))
        raise UserError(f"{path}: {len(strange):,} {belong} to no item of the suite, {named} among them")
    found = {key: response for key, response in stored.items() if key[0] in wanted and key[1] in shown}
    if not found:
        raise UserError(
            f"{path}: none of {len(stored):,} responses is to an item that is asked: they are to {_some(ids_of(stored))}, "
            f"and of the suite, {_some(asked)} are asked (--limit, --duplicates) in mode {', '.join(modes)}"
        )
    return Matched(found, *_notes(stored, found, shown))


def ids_of(keys: Iterable[Key]) -> list[str]:
    """The items that responses are to, each once."""
    return list(dict.fromkeys(key[0] for key in keys))


def _notes(stored: Stored, found: Stored, modes: Collection[str]) -> tuple[int, list[str]]:
    other = Counter(mode for _, mode, _ in stored if mode not in modes)
    notes = [f"{n:,} responses in mode {mode} are left out: --modes does not name it" for mode, n in other.items()]
    if left := len(stored) - sum(other.values()) - len(found):
        notes.append(f"{left:,} responses are left out: their items are not asked")
    failures = [response for response in found.values() if _failed(response)]
    if failures:
        why = f", the first because: {failures[0].error}" if failures[0].error else ""
        said = f"{len(failures):,} of {len(found):,} requests failed{why}"
        if len(failures) == len(found):
            raise UserError(said)
        notes.append(f"{said}: they count as errors")
    return len(failures), notes + notes_on(list(found.values()), [key[:2] for key in found])


def _some(ids: Collection[str], most: int = 3) -> str:
    """The first few of many ids."""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(list(ids)[:most]) + more


def _failed(response: Response) -> bool:
    return response.finish_reason == "error"


def responses_sha256(path: Path) -> str:
    """One hash over all that `read_responses` reads of a file or folder.

    Raises:
        UserError: There is no such file.
    """
    digest = hashlib.sha256()
    for file in _files(path):
        text = read_text(file).encode("utf-8")
        digest.update(f"{len(text)} ".encode() + text)
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"the folder {path} holds no *.jsonl: name a file of responses, or a folder of such files")
    return files


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each object, with the place where it stands."""
    for file in _files(path):
        lines = read_lines(file)
        first = next((line for line in lines if line.strip()), "")
        if first.lstrip().startswith("["):
            for number, row in enumerate(_parsed(str(file), "\n".join(lines)), 1):
                yield f"{file}, object {number} of its list", row
            continue
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{file}, line {number}"
                yield where, _parsed(where, line)


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not a response: it is not JSON ({error})") from None


def _own(row: Any) -> tuple[Key, Response]:
    """A response in our form."""
    if not isinstance(row, dict):
        raise TypeError(f"{type(row).__name__} in the place of an object")
    key = (str(row["id"]), str(row["mode"]), _count(row, "sample") or 0)
    if "response" not in row and "messages" in row:
        raise ValueError("the key 'response' is missing: idf prompts wrote this to be asked, and it has no answer yet")
    response, finish_reason = row["response"], row.get("finish_reason")
    if not isinstance(response, str):
        raise TypeError(f"response must be a text, not {reprlib.repr(response)}")
    if not (finish_reason is None or isinstance(finish_reason, str)):
        raise TypeError(f"finish_reason must be a text, not {finish_reason!r}")
    if key[1] not in MODES:
        raise ValueError(f"unknown mode {key[1]!r}, use one of {', '.join(MODES)}")
    return key, Response(
        response,
        _count(row, "prompt_tokens"),
        _count(row, "completion_tokens"),
        reason_of(finish_reason),
        seconds=_seconds(row.get("seconds")),
    )


def _seconds(seconds: Any) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < MOST_TOKENS:
        raise TypeError(f"seconds must be a number from 0, not {seconds!r}")
    return float(seconds)


def _batched(row: dict[str, Any]) -> list[tuple[Key, Response]]:
    """The responses in a line of a batch's output."""
    if "body" in row and "response" not in row:
        raise ValueError("the key 'response' is missing: this is a request of a batch, not its output")
    id, mode, sample = asked_by(row["custom_id"])
    response, error = row.get("response"), row.get("error")
    if not (response is None or isinstance(response, dict)):
        raise TypeError(f"response must be an object, not {reprlib.repr(response)}")
    if response is None and error is None:
        raise ValueError("neither a response nor an error stands there")
    if error is not None or response is None or response.get("status_code", 200) != 200:
        reason = _reason(error, response or {})
        return [((id, mode, sample), Response("", finish_reason="error", error=reason))]
    replies = read_completion(response["body"])
    if sample + len(replies) > MOST_SAMPLES + 1:
        raise ValueError(f"the number of a sample must be at most {MOST_SAMPLES:,}")
    return [((id, mode, sample + i), reply) for i, reply in enumerate(replies)]


def _reason(error: Any, response: dict[str, Any]) -> str:
    """Why a request of a batch failed, in one line: services say it beside the response, or in its body."""
    told: Any = error if error is not None else response.get("body")
    while isinstance(told, dict) and isinstance(told.get("error"), dict | str):
        told = told["error"]
    if isinstance(told, dict):
        told = ": ".join(str(told[key]) for key in ("code", "message") if told.get(key)) or told
    status = response.get("status_code")
    said = f"{told}" if status in (None, 200) else f"HTTP {status}, {told}"
    return " ".join(said.split())[:MOST_REASON]


def _count(row: dict[str, Any], key: str) -> int | None:
    """A whole number of a row, or None if it is not there."""
    n = row.get(key)
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 0):
        raise TypeError(f"{key} must be a whole number from 0, not {n!r}")
    if n is not None and n > (most := MOST_SAMPLES if key == "sample" else MOST_TOKENS):
        raise TypeError(f"{key} must be at most {most:,}")
    return n
