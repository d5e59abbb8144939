"""The folder of results: it holds one evaluation, and one process at a time writes it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idf.errors import UserError

IDENTITY = "evaluation.json"
"""What decides the results of a folder, and the recipe by which they were asked for."""
PUBLISHED_PICTURES = "published_pictures"
"""The folder, in a run's, of Wood Slide once more with its published pictures."""
HELD_OUT = "held_out"
"""The folder, in a run's, of all once more in words that are held out of training."""
EXERCISES = "exercises"
"""The folder, in what the hook of a training found, of the exercises that it asked beside its problems."""
RESULTS = (
    *("samples.jsonl", "results.json", "report.html", "report.md", "summary.png", "parsers.jsonl", "rescored.jsonl"),
)
"""What an evaluation writes besides answers and a generated suite."""


@contextmanager
def locked(out: Path, doing: str = "evaluating") -> Iterator[int]:
    """Keep every other process out of a folder, as long as this one lives, and those that inherit the file descriptor.

    Args:
        out: The folder; made if there is none.
        doing: What is done into it, for the message to another process.

    Yields:
        The file descriptor of the lock.

    Raises:
        UserError: Another process holds it.
        OSError: It cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = os.open(out / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is {doing} into {out}: wait for its end, or choose another --out"
            ) from None
        except OSError as error:  # a file system without locks
            print(f"{out} is not locked against a second process ({error.strerror})", flush=True)
        yield file
    finally:
        os.close(file)


def enter(out: Path, identity: Mapping[str, Any], recipe: Mapping[str, Any], *, overwrite: bool | None) -> None:
    """Say in a folder which evaluation it holds; one that holds another is refused.

    Args:
        out: The folder, locked.
        identity: What decides the results.
        recipe: The resolved recipe, kept beside it.
        overwrite: Whether another evaluation's results are removed; answers stay, since each has its own name. None where the
            command has no such option.

    Raises:
        UserError: It holds another evaluation.
    """
    told = json.loads(json.dumps(identity))
    holds = (out / "results.json").exists() or any((out / "answers").glob("*.jsonl"))
    found = _found(out) if holds else {}
    other = [key for key in told if key in found and found[key] != told[key]]
    if other and not overwrite:
        was, now = (_short(json.dumps(values[other[0]])) for values in (found, told))
        raise UserError(
            f"{out} holds another evaluation ({other[0]} was {was}, and is {now}): choose another --out"
            + ("" if overwrite is None else ", or add --overwrite, which removes its results and keeps the answers")
        )
    if other:
        for name in (*RESULTS, *(f"{more}/{name}" for more in (PUBLISHED_PICTURES, HELD_OUT) for name in RESULTS)):
            (out / name).unlink(missing_ok=True)
    text = json.dumps({"identity": told, "recipe": recipe}, indent=2) + "\n"
    (out / f".{IDENTITY}.part").write_text(text, encoding="utf-8")
    os.replace(out / f".{IDENTITY}.part", out / IDENTITY)


def _short(told: str) -> str:
    """A value as far as it tells one from another: the beginning of a hash."""
    return told if len(told) <= 60 else f"{told[:13]}..."


def _found(out: Path) -> dict[str, Any]:
    """What decided the results in a folder; of earlier versions, as far as they said it in the results."""
    for name, part in ((IDENTITY, "identity"), ("results.json", "run")):
        path = out / name
        if not path.exists():
            continue
        try:
            found = json.loads(path.read_text(encoding="utf-8"))[part]
            if not isinstance(found, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"{path} is broken, so nobody knows which evaluation {out} holds: choose another --out, or remove it"
            ) from None
        return found
    return {}
