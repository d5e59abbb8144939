"""Results as one HTML page."""

from __future__ import annotations

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
from .browser import MOST_CHARACTERS, MOST_RESPONSES, Browser, browser_data, in_page
from .charts import key_mark
from .page import Notice, page_values

MOST_BYTES = 20_000_000
"""How large a page is at most, unless said otherwise."""
_NOTICE_BYTES = 2_000  # kept for the sentence on what is left out
_CUT = 500  # characters of a sentence of an example


def write_report(
    rows: Sequence[Row],
    results: dict[str, Any],
    out: Path,
    items: Sequence[Item] | None = None,
    pictures: int | None = None,
    *,
    most_responses: int = MOST_RESPONSES,
    most_bytes: int = MOST_BYTES,
) -> Path:
    """Write `report.html`: one file that needs no other and no network.

    Marks of the reading that lie in the folder (`idf audit`) are told in it. All rows are counted and listed; how many
    of them have no response and no replay in the page, and why, it says at its top.

    Args:
        rows: The scored rows, in the order of `samples.jsonl`.
        results: What `results.json` says of them.
        out: The folder.
        items: The items of the suite, for pictures, questions and replays; None if only the rows are there, which the
            page then says.
        pictures: How many items get a picture at most; None for 1,000. The page says how many have none.
        most_responses: How many responses are in the page at most, those that are not correct first.
        most_bytes: How large the page is at most; only its statistics and its list of rows are never cut.

    Returns:
        Its path.
    """
    prompts = results["run"].get("prompts")
    script = package_text("evaluation/report/report_states.js") + package_text("evaluation/report/report.js")
    values = page_values(rows, results)
    values |= {
        "prompts": prompts,
        "audits": audits_of(out, rows),
        "style": Markup(package_text("evaluation/report/report.css")),
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
    }
    template = _template()
    without = len(template.render(**values, data="").encode(errors="backslashreplace"))
    linked = [row for some in values["examples"].values() for row in some]
    linked += [wrong.row for audit in values["audits"].said for wrong in audit.wrong if wrong.row]
    room = most_bytes - without - _NOTICE_BYTES
    browser = browser_data(rows, items, prompts, pictures, first=linked, most_responses=most_responses, room=room)
    if said := _left_out(browser, most_responses, most_bytes):
        values["notices"] = [*values["notices"], Notice(False, said)]
    data = Markup("".join(in_page(name, text) for name, text in browser.parts.items()))
    page = template.render(**values, data=data)
    path = out / "report.html"
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path


def _left_out(browser: Browser, most_responses: int, most_bytes: int) -> str:
    """How many responses are not in the page, and why; "" if all are."""
    reasons = {
        f"longer than {MOST_CHARACTERS:,} characters": browser.too_long,
        f"beyond the {most_responses:,} that a page holds": browser.too_many,
        f"beyond the {most_bytes / 1e6:,g} MB that it may have": browser.too_large,
    }
    why = [f"{n:,} {reason}" for reason, n in reasons.items() if n]
    if not why:
        return ""
    left_out = browser.too_long + browser.too_many + browser.too_large
    return (
        f"{browser.held:,} of {browser.held + left_out:,} responses are in this page, those that are not correct first, from "
        f"every world, mode and difficulty in turn. {left_out:,} left out ({'; '.join(why)}): they are counted and listed, and "
        "the list says in which line of samples.jsonl each one stands."
    )


def _template() -> Template:
    """The page; whatever it is given is escaped, unless it is `Markup`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "link": lambda row: _quoted(_name(row)),
        "named": lambda name: name.replace("_", " ").capitalize(),
        "query": _quoted,
        "cut": lambda text: text if len(text) <= _CUT else f"{text[:_CUT]} … ({len(text) - _CUT:,} more characters)",
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
