"""Results as one HTML page."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from idf.files import package_text
from idf.suites import Item

from ..metrics.row import Row
from .audit_lines import audits_of
from .browser import browser_data
from .charts import key_mark
from .page import page_values


def write_report(
    rows: Sequence[Row],
    results: dict[str, Any],
    out: Path,
    items: Sequence[Item] | None = None,
    pictures: int | None = None,
) -> Path:
    """Write `report.html`: one file that needs no other and no network.

    Marks of the reading that lie in the folder (`idf audit`) are told in it.

    Args:
        rows: The scored rows.
        results: What `results.json` says of them.
        out: The folder.
        items: The items of the suite, for pictures, questions and replays; None if only the rows are at hand, which the
            page then says.
        pictures: How many items get a picture at most; None for 1,000. The page says how many have none.

    Returns:
        Its path.
    """
    run = results["run"]
    script = package_text("evaluation/report/report_states.js") + package_text("evaluation/report/report.js")
    page = _template().render(
        **page_values(rows, results),
        prompts=run.get("prompts"),
        audits=audits_of(out, rows),
        style=Markup(package_text("evaluation/report/report.css")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        data={
            name: in_script(value) for name, value in browser_data(rows, items, run.get("prompts"), pictures).items()
        },
    )
    path = out / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def _template() -> Template:
    """The page; whatever it is given is escaped, unless it is `Markup`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "link": lambda row: _quoted(_name(row)),
        "named": lambda name: name.replace("_", " ").capitalize(),
        "query": _quoted,
        "markup": Markup,
    }
    environment.globals |= {"key_mark": lambda number: Markup(key_mark(number))}
    return environment.from_string(package_text("evaluation/report/report.html"))


def _name(row: Row) -> str:
    """What a response is called in a link: `<id>@<mode>`, and `.<sample>` for any but the first sample."""
    return f"{row.id}@{row.mode}" + (f".{row.sample}" if row.sample else "")


def _quoted(text: str) -> str:
    """A text as part of an address; half a character becomes a question mark, here and in the page's script."""
    return quote(text, safe="", errors="replace")


def in_script(value: Any) -> Markup:
    """A value as JSON that can stand in a script element: in ASCII, and without the sign that could end the element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))
