"""The journal of an asking: every reply on disk as it comes, so that a killed run pays for nothing twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from idf.errors import UserError

from ._request import Response

FORMAT = 1


class Journal:
    """A JSONL file: first the fingerprint of what is asked of whom, then one reply a line, each forced to the disk.

    Args:
        path: The file; made if there is none.
        fingerprint: What decides the replies. A journal with another one is refused.

    Attributes:
        answered: id -> response, for every answer in the file.
        failed: Ids whose last line is a failure, to be asked again.
        torn: Whether the file ended in half a line (the process was killed while writing), which was cut off.

    Raises:
        UserError: The file belongs to another fingerprint or another running process, or is damaged.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path = path
        self.answered: dict[str, Response] = {}
        self.failed: set[str] = set()
        header = json.loads(json.dumps({"journal": FORMAT, **fingerprint}))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("a+b")
        except OSError as error:
            raise UserError(f"the journal {path} cannot be written: {error.strerror}") from None
        try:
            self._lock()
            lines, self.torn = _read(self._file)
            if self.torn:
                self._file.truncate(sum(len(line) + 1 for line in lines))
            if lines:
                self._check(lines[0], header)
            else:
                self._write(header)
            for number, line in enumerate(lines[1:], 2):
                self._remember(*_parse(path, number, line))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(
            OSError
        ):  # every reply was forced to the disk, so all that can be left is one whose failure was told
            self._file.close()

    def add(self, id: str, response: Response) -> None:
        """Keep a reply: when this returns, it is on the disk."""
        said = {key: value for key, value in asdict(response).items() if value is not None}
        self._write({"id": id, **said})
        self._remember(id, response)

    def _remember(self, id: str, response: Response) -> None:
        if response.error is not None:
            self.failed.add(id)
        else:
            self.answered[id] = response
            self.failed.discard(id)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                f"another process is asking with the journal {self.path}: wait until it has ended"
            ) from None

    def _write(self, row: Mapping[str, Any]) -> None:
        # In ASCII: a response may end in half a character, and hold other line separators.
        line = json.dumps(row).encode() + b"\n"
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(f"the journal {self.path} cannot be written: {error.strerror}") from None

    def _check(self, line: bytes, header: dict[str, Any]) -> None:
        try:
            found = json.loads(line)
            if found["journal"] != FORMAT:
                raise KeyError
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{self.path} is no journal of this version of idf: name another file") from None
        if found != header:
            was, now = _flat(found), _flat(header)
            key = next(key for key in [*was, *now] if was.get(key) != now.get(key))
            raise UserError(
                f"the journal {self.path} was made by another recipe ({key} was {json.dumps(was.get(key))}, and is "
                f"{json.dumps(now.get(key))}): go back to that, or name another folder"
            )


def read_replies(path: Path) -> dict[str, Response]:
    """The replies in a journal that another process may be writing; half a line at its end is left out.

    Returns:
        id -> the last answer, or the failure if there is none.

    Raises:
        UserError: The file is damaged.
    """
    with path.open("rb") as file:
        lines, _ = _read(file)
    found: dict[str, Response] = {}
    for number, line in enumerate(lines[1:], 2):
        id, response = _parse(path, number, line)
        if response.error is None or id not in found:
            found[id] = response
    return found


def tokens_spent(path: Path) -> int:
    """Tokens of all replies in a journal, prompts and completions together; 0 if there is none.

    Raises:
        UserError: The file is damaged.
    """
    if not path.exists():
        return 0
    with path.open("rb") as file:
        lines, _ = _read(file)
    return sum(_parse(path, number, line)[1].tokens for number, line in enumerate(lines[1:], 2))


def _read(file: IO[bytes]) -> tuple[list[bytes], bool]:
    """The whole lines of a file, and whether there is half a line after them."""
    file.seek(0)
    *lines, rest = file.read().split(b"\n")
    return lines, bool(rest)


def _parse(path: Path, number: int, line: bytes) -> tuple[str, Response]:
    try:
        row = json.loads(line)
        return str(row.pop("id")), Response(**row)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}, line {number}: not a reply: the journal is damaged there; delete that line") from None


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
