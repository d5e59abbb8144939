"""Marks of the reading: the file that the page of `idf audit` saves, and that a run keeps."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_text

from ..metrics.audit import Kappa, Stratum, cohen_kappa
from ..metrics.audit_draw import (
    READ,
    UNREAD,
    draw,
    key_of,
    reading_hash,
    readings_fingerprint,
    response_hash,
    responses_fingerprint,
    stratum_of,
)
from ..metrics.row import Row

FORMAT = 1
"""The version of the file; the page writes it, too."""
RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
MARKS = (RIGHT, WRONG, UNSURE)

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Mark:
    """What a person says of one row's reading; `mark` is one of MARKS, or None if the row bears none yet."""

    key: Key
    response: str
    reading: str
    stratum: str
    mark: str | None
    note: str


@dataclass(frozen=True)
class Audit:
    """One person's marks.

    Attributes:
        person: Who marked, or "".
        saved: The day of the page's clock when it saved the file, or "".
        run: What the page said of the run and of the draw: `evaluated`, `scoring_rules`, `seed`, `rows`, `responses`,
            `readings`, `sizes`, `empty`.
        marks: A mark for every drawn row.
    """

    person: str
    saved: str
    run: dict[str, Any]
    marks: list[Mark]

    @property
    def who(self) -> str:
        """The person, for a sentence."""
        return self.person or "a person without a name"

    @property
    def file(self) -> str:
        """What it is called in the run's folder: `audit.json`, or `audit-NAME.json`."""
        name = re.sub(r"[^\w.-]+", "-", self.person).strip("-.")[:60]
        return f"audit-{name}.json" if name else "audit.json"

    @property
    def strata(self) -> dict[str, Stratum]:
        """READ and UNREAD with the counts of marks."""
        counts = Counter((mark.stratum, mark.mark) for mark in self.marks)
        return {
            name: Stratum(size, counts[name, RIGHT], counts[name, WRONG], counts[name, UNSURE], counts[name, None])
            for name, size in ((name, self.run["sizes"][name]) for name in (READ, UNREAD))
        }

    @property
    def marked(self) -> int:
        """How many rows bear a mark."""
        return sum(mark.mark is not None for mark in self.marks)

    def void(self, rows: Sequence[Row]) -> list[Mark]:
        """The marks that judge a reading which is no longer that of the run."""
        now = {key_of(row): reading_hash(row) for row in rows}
        return [mark for mark in self.marks if mark.mark is not None and now.get(mark.key) != mark.reading]

    def is_current(self, rows: Sequence[Row]) -> bool:
        """Whether every response of the run is still read as it was when rows were drawn."""
        return bool(self.run["readings"] == readings_fingerprint(rows))


def read_marks(path: Path) -> Audit:
    """The marks of a file.

    Raises:
        UserError: It is not what the page saved; what is wrong with it is said.
    """
    try:
        told = json.loads(read_text(path))
        if not isinstance(told, dict) or "idf_audit" not in told:
            raise ValueError("it has no key idf_audit")
        if told["idf_audit"] != FORMAT:
            raise ValueError(f"it has format {told['idf_audit']!r}, and this version of idf reads format {FORMAT}")
        run = told["run"]
        for key in ("responses", "readings"):
            _typed(run, key, str)
        for key in ("seed", "rows", "empty"):
            _typed(run, key, int)
        for name in (READ, UNREAD):
            _typed(run["sizes"], name, int)
        marks = [_mark(one, number) for number, one in enumerate(told["marks"], 1)]
        if doubled := [key for key, n in Counter(mark.key for mark in marks).items() if n > 1]:
            raise ValueError(f"it marks {_named(doubled[0])} twice")
        return Audit(str(told.get("person") or "").strip(), str(told.get("saved") or "")[:10], run, marks)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path} is no file of marks that the page of idf audit saved: {what}") from None


def _typed(told: Any, key: str, kind: type) -> None:
    if not isinstance(told[key], kind) or isinstance(told[key], bool):
        raise TypeError(f"{key} must be of type {kind.__name__}, not {told[key]!r}")


def _mark(told: Any, number: int) -> Mark:
    for name, kind in (("id", str), ("mode", str), ("sample", int), ("response", str), ("reading", str)):
        _typed(told, name, kind)
    if told["stratum"] not in (READ, UNREAD):
        raise ValueError(f"stratum of row {number} must be {READ} or {UNREAD}, not {told['stratum']!r}")
    if told["mark"] is not None and told["mark"] not in MARKS:
        raise ValueError(f"mark of row {number} must be {', '.join(MARKS)} or null, not {told['mark']!r}")
    key = told["id"], told["mode"], told["sample"]
    return Mark(key, told["response"], told["reading"], told["stratum"], told["mark"], str(told.get("note") or ""))


def check_marks(audit: Audit, path: Path, folder: Path, rows: Sequence[Row]) -> None:
    """Refuse marks that do not belong to a run.

    Args:
        audit: The marks.
        path: The file, for messages.
        folder: The run, for messages.
        rows: All rows of the run.

    Raises:
        UserError: The first thing that does not fit is named.
    """
    known = {key_of(row): row for row in rows}
    for mark in audit.marks:
        if mark.key not in known:
            raise UserError(f"{path} marks another run: {_named(mark.key)} is not in {folder}")
        if mark.response != response_hash(known[mark.key]):
            raise UserError(f"{path} marks another run: the response of {_named(mark.key)} is another one in {folder}")
    if audit.run["responses"] != responses_fingerprint(rows):
        raise UserError(
            f"{path} marks another run: the {len(audit.marks)} responses are in {folder}, but not the others as they were when "
            "rows were drawn"
        )


def check_drawn(audit: Audit, path: Path, folder: Path, rows: Sequence[Row]) -> None:
    """Refuse marks of other rows than those that were drawn: a sample that somebody chose says nothing of a run.

    After the run was judged again it cannot be told: the strata are others, and would be drawn from otherwise.

    Args:
        audit: The marks.
        path: The file, for messages.
        folder: The run, for messages.
        rows: All rows of the run.

    Raises:
        UserError: The rows are not those that the file's number and seed draw.
    """
    if not audit.is_current(rows):
        return
    drawn = draw(rows, audit.run["rows"], audit.run["seed"])
    found = {mark.key: (mark.reading, mark.stratum) for mark in audit.marks}
    made = {key_of(row): (reading_hash(row), stratum_of(row)) for row in drawn.rows}
    if found != made or audit.run["sizes"] != drawn.sizes or audit.run["empty"] != drawn.empty:
        raise UserError(
            f"{path} does not hold the rows that idf audit {folder} --rows {audit.run['rows']} --seed {audit.run['seed']} draws: "
            "it was changed by hand, or drawn by another version of idf; draw the page again and load the file there"
        )


def store_marks(audit: Audit, path: Path, folder: Path) -> Path:
    """Keep a file of marks in the run's folder, under the person's name.

    Args:
        audit: What the file says.
        path: The file.
        folder: The run.

    Returns:
        Where it is kept.

    Raises:
        UserError: A file there holds other rows of this person, or more marks: neither is written over.
    """
    place = folder / audit.file
    if place.exists() and place.resolve() != path.resolve():
        before = read_marks(place)
        if {mark.key for mark in before.marks} != {mark.key for mark in audit.marks} or before.run != audit.run:
            raise UserError(
                f"{place} holds marks of other rows (drawn with --rows {before.run['rows']} --seed {before.run['seed']}); move "
                "it away, or save the new marks under another name"
            )
        if lost := {m.key for m in before.marks if m.mark} - {m.key for m in audit.marks if m.mark}:
            raise UserError(
                f"{place} holds {len(lost)} marks that {path} does not have: load it in the page to go on from there, or "
                "move it away"
            )
    text = read_text(path)
    part = place.with_name(f".{place.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(place)
    return place


def audit_files(folder: Path) -> list[Path]:
    """The files of marks in a run's folder."""
    return sorted([*folder.glob("audit.json"), *folder.glob("audit-*.json")])


def agreements(audits: Sequence[Audit]) -> list[tuple[Audit, Audit, Kappa]]:
    """Every two persons who marked the same readings, and how far they agree."""
    found = []
    for at, first in enumerate(audits):
        mine = {(mark.key, mark.reading): mark.mark for mark in first.marks if mark.mark is not None}
        for second in audits[at + 1 :]:
            theirs = {(mark.key, mark.reading): mark.mark for mark in second.marks if mark.mark is not None}
            kappa = cohen_kappa([(mine[key], theirs[key]) for key in mine if key in theirs])
            if kappa is not None:
                found.append((first, second, kappa))
    return found


def _named(key: Key) -> str:
    id, mode, sample = key
    return f"{id} in mode {mode}" + (f", sample {sample}" if sample else "")
