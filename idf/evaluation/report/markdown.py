"""Results as GitHub's Markdown: `report.md`, for pull requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .abstaining import COLUMNS, LEGEND, abstaining_lines
from .audit_lines import audits_of
from .exercises import EXERCISE_COLUMNS, EXERCISE_LEGEND, exercise_lines
from .modes import (
    CAUSES_LEGEND,
    STEP_COLUMNS,
    STEPS_LEGEND,
    STEPS_TITLE,
    cause_rows,
    gap_notes,
    gap_rows,
    size_rows,
    step_lines,
)
from .modes import TITLE as GAP_TITLE
from .tables import (
    EFFICIENCY_COLUMNS,
    IMAGE_COLUMNS,
    efficiency_legend,
    efficiency_lines,
    image_legend,
    image_lines,
    legend,
    notes,
    table_rows,
)
from .turns import TURN_COLUMNS, TURN_MEANINGS, turn_lines
from .wording import TITLE, wording_notes, wording_rows

_SPECIAL = re.compile(r"([\\`*{}\[\]<>#|~&@$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def markdown(text: str) -> str:
    """Text that comes from outside, so that no character of it is markup and it stays on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def markdown_table(rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    """Rows as a table; the first one is the header, columns from `numbers_from` on are aligned on the right."""
    lines = ["| " + " | ".join(markdown(value) for value in row) + " |" for row in rows]
    rule = "|" + "|".join(" --- " if i < numbers_from else " ---: " for i in range(len(rows[0]))) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def markdown_list(sentences: Sequence[str]) -> str:
    """Sentences as a list."""
    return "\n".join(f"- {markdown(sentence)}" for sentence in sentences)


def write_markdown(results: dict[str, Any], out: Path) -> Path:
    """Write `report.md`: who was asked what, the table with the trivial players, efficiency, and the run.

    Marks of the reading that lie in the folder (`idf audit`) are told in it.

    Args:
        results: What `results.json` says.
        out: The folder.

    Returns:
        Its path.
    """
    run = results["run"]
    rows = table_rows(results)
    parts = [
        f"## {markdown(str(run.get('evaluated', 'idf-eval')))}",
        f"{markdown(str(run.get('suite', '')))}: every response is in the denominator; intervals are 95 %.",
        markdown_table(rows, 2),
        markdown_list([*notes(results), *legend(rows)]),
    ]
    if steps := exercise_lines(results):
        parts += ["### Exercises", markdown_table([EXERCISE_COLUMNS, *steps], 3), markdown_list(EXERCISE_LEGEND)]
    if images := image_lines(results):
        parts += ["### All images right", markdown_table([IMAGE_COLUMNS, *images], 2), markdown_list(image_legend())]
    if abstained := abstaining_lines(results, difficulties=True):
        parts += ["### When not to answer", markdown_table([COLUMNS, *abstained], 3), markdown_list(LEGEND)]
    if turns := turn_lines(results):
        parts += ["### Over turns", markdown_table([TURN_COLUMNS, *turns], 2), markdown_list(TURN_MEANINGS)]
    if efficient := efficiency_lines(results):
        parts += ["### Tokens", markdown_table([EFFICIENCY_COLUMNS, *efficient], 2)]
        parts += [markdown_list(efficiency_legend(efficient))]
    if gap := gap_rows(results):
        parts += [f"### {GAP_TITLE}", markdown_table(gap, 3), markdown_list(gap_notes(results))]
        parts += [f"Why: {CAUSES_LEGEND}.", markdown_table(cause_rows(results), 4)]
        parts += [_folded("By the size of the problem", markdown_table(size_rows(results), 4))]
    if steps := step_lines(results, "steps"):
        parts += [_folded(STEPS_TITLE, f"{markdown_table([STEP_COLUMNS, *steps], 3)}\n\n{markdown_list(STEPS_LEGEND)}")]
    if worded := wording_rows(results):
        parts += [f"### {TITLE}", markdown_table(worded, 2), markdown_list(wording_notes(results))]
    parts += _reading(out)
    parts += [_folded("By difficulty", markdown_table(table_rows(results, difficulties=True), 3))]
    facts = [("key", "value"), *((str(key), str(value)) for key, value in run.items())]
    parts += [_folded("The run", markdown_table(facts, 2))]
    path = out / "report.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8", errors="backslashreplace")
    return path


def _reading(folder: Path) -> list[str]:
    """What people found of the reading (`idf audit`); nothing if nobody has looked."""
    audits = audits_of(folder)
    parts = [markdown(text) for text in (*audits.problems, *(f"{text}." for text in audits.together))]
    for said in audits.said:
        parts += [markdown(said.title), *(f"**{markdown(warning)}**" for warning in said.warnings)]
        parts.append(
            markdown_table(
                [
                    ("share of responses", "judged", "share, 95 % interval"),
                    *((line.what, line.counts, line.share) for line in said.lines),
                ],
                2,
            )
        )
        parts.append(markdown(" ".join(said.notes)))
    return ["### Reading checked by hand", *parts] if parts else []


def _folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"
