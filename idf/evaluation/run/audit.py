"""Whether a run's responses were read rightly: rows are drawn for a person, and the marks are taken back."""

from __future__ import annotations

from pathlib import Path

from idf.errors import UserError
from idf.suites import Item

from ..metrics.audit_draw import Draw, draw, readings_fingerprint, responses_fingerprint
from ..metrics.results import read_run
from ..report.audit import write_audit_page
from ..report.audit_lines import audit_text, audits_of
from ..report.audit_marks import check_drawn, check_marks, read_marks, store_marks
from ..report.markdown import write_markdown
from ..report.report import write_report
from .rescore import items_of

TOLD = ("evaluated", "suite", "prompts", "scoring_rules", "idf")
"""What the page and the file of marks say of a run."""


def draw_audit(folder: Path, out: Path, *, rows: int = 50, seed: int = 0, suite: str | None = None) -> tuple[Draw, str]:
    """Write the page on which a person marks rows of a run.

    Args:
        folder: The run: a folder that `idf-eval` wrote.
        out: The HTML file.
        rows: How many rows to draw; all of them if there are not more.
        seed: Another one draws other rows.
        suite: Where the suite lies now, for the questions; None for where the run says.

    Returns:
        What was drawn, and why the page has no questions, or "".

    Raises:
        UserError: The run is not there or not whole, or has nothing to read; or the suite that was named is not its own.
    """
    results, all_rows = read_run(folder)
    run = results["run"]
    drawn = draw(all_rows, rows, seed)
    items: list[Item] = []
    no_questions = ""
    try:
        items = items_of(folder, run, all_rows, suite)
    except UserError as error:
        if suite is not None:
            raise
        no_questions = str(error)
    about = {key: run[key] for key in TOLD if run.get(key) is not None}
    about |= {"seed": seed, "rows": rows}
    about |= {"responses": responses_fingerprint(all_rows), "readings": readings_fingerprint(all_rows)}
    write_audit_page(drawn, about, out, {item.id: item for item in items}, no_questions)
    return drawn, no_questions


def take_marks(folder: Path, marks: Path, *, suite: str | None = None) -> tuple[Path, str]:
    """Keep a person's marks in the run's folder, and write its reports again with the agreement.

    `results.json` and `samples.jsonl` stay as they are.

    Args:
        folder: The run.
        marks: The file that the page saved.
        suite: Where the suite lies now, for the report's pictures; None for where the run says.

    Returns:
        Where the marks are kept, and what all marks of the run say.

    Raises:
        UserError: The marks are not of this run, or fewer than those that are kept: nothing is changed. Or the suite is not
            at hand: the marks are kept then, and `report.html`, which would lose its pictures, stays as it is.
    """
    results, rows = read_run(folder)
    audit = read_marks(marks)
    check_marks(audit, marks, folder, rows)
    check_drawn(audit, marks, folder, rows)
    place = store_marks(audit, marks, folder)
    said = audit_text(audits_of(folder, rows))
    write_markdown(results, folder)
    try:
        items = items_of(folder, results["run"], rows, suite)
    except UserError as error:
        raise UserError(
            f"the marks are kept in {place} and told in {folder / 'report.md'}, but report.html is not written again: {error}"
        ) from None
    write_report(rows, results, folder, items)
    return place, said
