"""Answers on disk as they come: a killed run resumes there, and nothing is asked twice."""

from __future__ import annotations

import socket
import time
import uuid
from pathlib import Path
from types import TracebackType

from idf.backends import Journal, Response, read_replies
from idf.errors import UserError


class Answers:
    """Answers by key, in memory or in a folder.

    Every process writes a file of its own in the folder and reads those of all others, so any number of them may share it
    without locks. If two have answered the same, the first file by name counts.

    Args:
        folder: The folder; None to keep answers in memory only.

    Raises:
        UserError: The folder cannot be written, or a file in it is damaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._known: dict[str, Response] = {}
        self._journal: Journal | None = None
        if folder is not None:
            if folder.exists() and not folder.is_dir():
                raise UserError(f"{folder} is a file: name a folder for answers")
            self.read()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._journal is not None:
            self._journal.__exit__(kind, error, at)
            self._journal = None

    def __len__(self) -> int:
        return len(self._known)

    def read(self) -> None:
        """Read what all processes have written so far."""
        if self.folder is None or not self.folder.exists():
            return
        for path in sorted(self.folder.glob("*.jsonl")):
            for key, response in read_replies(path).items():
                known = self._known.get(key)
                if known is None or (known.error is not None and response.error is None):
                    self._known[key] = response

    def get(self, key: str) -> Response | None:
        """The answer, or the failure if there is only that, or None."""
        return self._known.get(key)

    def lacks(self, key: str) -> bool:
        """Whether there is no answer yet; a failure is none."""
        known = self._known.get(key)
        return known is None or known.error is not None

    def add(self, key: str, response: Response) -> None:
        """Keep an answer; when this returns, it is on the disk. The first answer to a key stays.

        Raises:
            UserError: It cannot be written.
        """
        if not self.lacks(key):
            return
        if self.folder is not None:
            if self._journal is None:
                name = f"{time.strftime('%Y%m%d-%H%M%S')}-{socket.gethostname()}-{uuid.uuid4().hex[:8]}.jsonl"
                self._journal = Journal(self.folder / name, {"kind": "answers of idf-eval"})
            self._journal.add(key, response)
        self._known[key] = response
