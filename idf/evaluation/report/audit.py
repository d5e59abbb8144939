"""The page on which a person marks whether responses were read rightly: one file that needs no other and no network."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from idf.errors import UserError
from idf.files import package_text
from idf.scoring import final_answer
from idf.suites import Item
from idf.worlds import WORLDS

from ..metrics.audit_draw import READ, UNREAD, Draw, is_read, reading_hash, response_hash, stratum_of
from ..metrics.row import Row
from .audit_marks import FORMAT
from .details import questions

UNREAD_CLASSES = {
    "unparsed": "no answer was found in it",
    "refused": "taken for a refusal",
    "truncated": "taken for cut off before its answer",
}
"""Why nothing was read; the classes of read answers say whether they are right, and are never on the page."""


def write_audit_page(
    drawn: Draw, about: Mapping[str, Any], path: Path, items: Mapping[str, Item], no_questions: str
) -> None:
    """Write the page. It holds neither a true answer nor whether any answer is right, since that would sway a person.

    Args:
        drawn: The rows to mark.
        about: What the file of marks says of the run and the draw: `evaluated`, `suite`, `prompts`, `scoring_rules`, `idf`,
            `seed`, `rows`, `responses`, `readings`.
        path: The HTML file.
        items: Items of the run by their ids, for questions; empty if they are not there.
        no_questions: Why they are not, or "".

    Raises:
        UserError: The file is no HTML file by its name.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {path}: name an HTML file, for example audit.html")
    run = {**about, "sizes": drawn.sizes, "drawn": drawn.drawn, "empty": drawn.empty}
    data = {
        "format": FORMAT,
        "run": run,
        "rows": [_row(row, items.get(row.id), about.get("prompts")) for row in drawn.rows],
    }
    script = package_text("evaluation/report/audit.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(package_text("evaluation/report/audit.html")).render(
        evaluated=str(about.get("evaluated", "an evaluation")),
        read=drawn.drawn[READ],
        all_read=drawn.sizes[READ],
        unread=drawn.drawn[UNREAD],
        all_unread=drawn.sizes[UNREAD],
        empty=drawn.empty,
        repeats=drawn.repeats,
        no_questions=no_questions,
        style=Markup(package_text("evaluation/report/report.css") + package_text("evaluation/report/audit.css")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        data=_in_script(data),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", errors="backslashreplace")


def _row(row: Row, item: Item | None, prompts: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": row.id,
        "mode": row.mode,
        "sample": row.sample,
        "response": response_hash(row),
        "reading": reading_hash(row),
        "stratum": stratum_of(row),
        "world": row.world,
        "asked": _asked(row, item),
        "question": None if item is None else questions(item, [row.mode], prompts)[row.mode][0],
        "read": _shown(row.parsed),
        "why": "",
        "quote": row.quote,
        "cut_off": row.finish_reason == "length",
        "text": _in_three(row),
    }
    if not is_read(row):
        said["why"] = f"{UNREAD_CLASSES.get(str(row.error), str(row.error))}: {row.detail}"
    return said


def _asked(row: Row, item: Item | None) -> str:
    """What the question asks for, as far as it is known."""
    if item is not None and item.exercise is not None:
        return f"the answer to an exercise of kind {item.exercise.kind}"
    if item is not None:
        return WORLDS[item.problem.world].answer(item.problem).called
    return " or ".join(kind.called for kind in WORLDS[row.world].answers) if row.world in WORLDS else ""


def _shown(parsed: Any) -> str | None:
    """An answer as it was read, in words."""
    if parsed is None:
        return None
    if isinstance(parsed, list | tuple):
        return " ".join(map(str, parsed)) or "an empty list of moves"
    if isinstance(parsed, dict):
        return ", ".join(f"{key} {value}" for key, value in parsed.items())
    return str(parsed)


def _in_three(row: Row) -> tuple[str, str, str]:
    """The response up to the place to look at first, that place, and the rest.

    The place is a guess for the eye: the last one that has the words of the answer line, of the quote or of the reading.
    """
    stated = final_answer(row.response)
    last = stated.strip().splitlines()[-1:] if stated else []
    for words in (row.quote, *last, _shown(row.parsed)):
        places = [*re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", row.response, re.IGNORECASE)] if words else []
        if places:
            start, end = places[-1].span()
            return row.response[:start], row.response[start:end], row.response[end:]
    return row.response, "", ""


def _in_script(value: Any) -> Markup:
    """A value as JSON that can stand in a script element: in ASCII, and without the sign that could end the element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))
