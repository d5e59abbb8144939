"""What the marks of a run say of its reading, for the report and the screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from idf.errors import UserError

from ..metrics.audit import Share, Stratum, bounds, overall_share, right_share
from ..metrics.audit_draw import READ, UNREAD, key_of
from ..metrics.comparable import rules_of
from ..metrics.results import read_samples
from ..metrics.row import Row
from .audit_marks import WRONG, Audit, agreements, audit_files, check_marks, read_marks


class Line(NamedTuple):
    """One share: what it is of, how many of how many, and the share with its interval, or why there is none."""

    what: str
    counts: str
    share: str


class Example(NamedTuple):
    """A row whose reading a person found wrong; `row` is None if the run has it no more."""

    row: Row | None
    what: str
    note: str


class Said(NamedTuple):
    """What one person's marks say.

    Attributes:
        title: One sentence: who looked at how many.
        warnings: What keeps it from being the last word: rows without a mark, readings that have changed.
        lines: The shares.
        notes: What is left out of them, and how much it could change.
        wrong: The rows whose reading is wrong.
    """

    title: str
    warnings: list[str]
    lines: list[Line]
    notes: list[str]
    wrong: list[Example]


class Audits(NamedTuple):
    """What all files of marks in a run's folder say: of each person, of every two, and what is wrong with a file."""

    said: list[Said]
    together: list[str]
    problems: list[str]


def audits_of(folder: Path, rows: Sequence[Row] | None = None) -> Audits:
    """What the marks in a run's folder say of it; empty if nobody has looked.

    Args:
        folder: The run.
        rows: Its rows; None for those of its `samples.jsonl`, which is read only if there are marks.

    Returns:
        A file that cannot be read, or that marks another run, is among `problems` and never raises: a report must be
        written whatever lies beside it.
    """
    found: list[Audit] = []
    problems: list[str] = []
    for path in audit_files(folder):
        try:
            rows = read_samples(folder) if rows is None else rows
            audit = read_marks(path)
            check_marks(audit, path, folder, rows)
            found.append(audit)
        except UserError as error:
            problems.append(f"Marks that are not shown: {error}")
    together = [
        f"{one.who} and {two.who} marked {kappa.rows} readings in common and agree on {kappa.same}; Cohen's kappa "
        + ("is not defined, since both always say the same" if kappa.kappa is None else f"{kappa.kappa:.2f}")
        for one, two, kappa in agreements(found)
    ]
    return Audits([audit_said(audit, rows or ()) for audit in found], together, problems)


def audit_said(audit: Audit, rows: Sequence[Row]) -> Said:
    """What one person's marks say of a run with these rows."""
    read, unread = audit.strata[READ], audit.strata[UNREAD]
    by_key = {key_of(row): row for row in rows}
    day = f" on {audit.saved}" if audit.saved else ""
    rules = rules_of(audit.run)
    size = read.size + unread.size
    judged = read.judged + unread.judged
    lines = [
        Line("read rightly, of all responses", f"{judged} judged of {size}", _shown(overall_share([read, unread]))),
        Line("read wrongly, of those that were read", _counts(read), _shown(_rest(read), read)),
        Line("wrongly unread, of those that were not read", _counts(unread), _shown(_rest(unread), unread)),
    ]
    return Said(
        title=(
            f"Reading checked by hand on {audit.marked} of {size} responses: {read.drawn} that were read and {unread.drawn} "
            f"that were not were drawn, {audit.who} marked them{day}; scoring rules of {rules}."
        ),
        warnings=_warnings(audit, rows),
        lines=lines,
        notes=_notes(audit),
        wrong=[
            Example(
                by_key.get(mark.key),
                "read wrongly" if mark.stratum == READ else "wrongly unread",
                mark.note,
            )
            for mark in audit.marks
            if mark.mark == WRONG
        ],
    )


def _warnings(audit: Audit, rows: Sequence[Row]) -> list[str]:
    said = []
    if missing := len(audit.marks) - audit.marked:
        said.append(
            f"{missing} of the {len(audit.marks)} drawn rows bear no mark; rows stand in random order, so that the marked ones "
            "are a smaller random part."
        )
    if not audit.is_current(rows):
        void = audit.void(rows)
        was_wrong = sum(mark.mark == WRONG for mark in void)
        changed = (
            f"{len(void)} of the {audit.marked} marks are void, since their responses are read otherwise now ({was_wrong} of "
            "these readings were marked wrong)"
            if void
            else "none of the marked readings has changed, but others have"
        )
        said.append(
            f"These are shares of the reading by scoring rules of {rules_of(audit.run)}. The run was judged again: {changed}"
            ". Draw and mark rows again to know how often today's reading is right."
        )
    return said


def _notes(audit: Audit) -> list[str]:
    strata = [audit.strata[READ], audit.strata[UNREAD]]
    said = ["Intervals are 95 %: Wilson's for each kind, joined for all responses with the kinds' sizes as weights."]
    if unsure := sum(stratum.unsure for stratum in strata):
        ends = bounds(strata)
        range_ = (
            "" if ends is None else f": if all of them were wrong or all right, {ends[0]:.1%} or {ends[1]:.1%} of all"
        )
        said.append(f'"Cannot say" of {unsure} rows, which are left out of the shares{range_}.')
    else:
        said.append('"Cannot say" of none.')
    if any(stratum.size and stratum.judged == stratum.size for stratum in strata):
        said.append("Where every response of a kind was judged, its share is known and no interval is given.")
    for name, stratum in audit.strata.items():
        if not stratum.size:
            said.append("Every response was read." if name == UNREAD else "No response was read.")
    if audit.run["empty"]:
        said.append(f"{audit.run['empty']} empty responses hold nothing to read and were not drawn from.")
    return said


def _rest(stratum: Stratum) -> Share | None:
    right = right_share(stratum)
    return None if right is None else right.rest


def _counts(stratum: Stratum) -> str:
    return f"{stratum.wrong} of {stratum.judged} judged, of {stratum.size}"


def _shown(share: Share | None, stratum: Stratum | None = None) -> str:
    if share is None:
        return "there is none" if stratum is not None and not stratum.size else "not known: no row was judged"
    if share.low == share.high:
        return f"{share.share:.1%} (known)"
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


def audit_text(audits: Audits) -> str:
    """The same as plain lines."""
    lines = []
    for said in audits.said:
        lines.append(said.title)
        lines += [f"  {line.what}: {line.share}; {line.counts}" for line in said.lines]
        lines += [f"  {text}" for text in (*said.warnings, *said.notes)]
    return "\n".join([*lines, *audits.together, *audits.problems])
