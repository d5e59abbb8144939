"""Results as a table in the terminal, and as one HTML page."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from idf.errors import UserError
from idf.files import package_text, read_text
from idf.suites import Item

from ._browser import browser_data
from ._charts import key_mark
from ._metrics import ALL
from ._page import page_values
from ._row import Row

COLUMNS = (
    "world",
    "mode",
    "difficulty",
    "n",
    "accuracy",
    "95 % interval",
    "official",
    "unparsed",
    "illegal",
    "cut off",
    "tokens",
)


def _cells(results: dict[str, Any]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for world, modes in results["worlds"].items():
        for mode, cells in modes.items():
            for difficulty, cell in cells.items():
                low, high = cell["wilson95"]
                official, tokens = cell["official_accuracy"], cell["tokens_median"]
                lines.append(
                    (
                        world,
                        mode,
                        difficulty,
                        str(cell["n"]),
                        f"{cell['accuracy']:.1%}",
                        f"{low:.1%} - {high:.1%}",
                        "-" if official is None else f"{official:.1%}",
                        str(cell["parse_failures"]),
                        str(cell["illegal"]),
                        str(cell["truncated"]),
                        "-" if tokens is None else f"{tokens:.0f}",
                    )
                )
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with aligned columns, the first one underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    return text


def table(results: dict[str, Any], *, difficulties: bool = False) -> str:
    """The results as aligned text; one line per world and mode, or also per difficulty."""
    text = _aligned([COLUMNS, *(line for line in _cells(results) if difficulties or line[2] == ALL)])
    for mode, share in results["macro_accuracy"].items():
        text.append(f"mean over worlds, {mode}: {share:.1%}")
    return "\n".join(text)


def side_by_side(folders: Mapping[str, Path]) -> str:
    """The accuracy and tokens of several evaluations, one line per world and mode.

    Args:
        folders: Name -> folder that holds a `results.json`.

    Raises:
        UserError: A folder holds no results, or the evaluations asked different suites.
    """
    read: dict[str, dict[str, Any]] = {}
    for name, folder in folders.items():
        path = folder / "results.json"
        if not path.exists():
            raise UserError(f"no results in {folder}: idf-eval --out {folder} writes them")
        try:
            read[name] = json.loads(read_text(path))
            read[name]["worlds"], read[name]["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} holds no results ({type(error).__name__} {error})") from None
    suites = {(results["run"].get("suite"), results["run"].get("items")) for results in read.values()}
    if len(suites) > 1:
        raise UserError(f"these evaluations asked different suites and cannot stand in one table: {sorted(suites)}")
    rows = [("world", "mode", "n", *read)]
    keys = sorted(
        {(world, mode) for results in read.values() for world, modes in results["worlds"].items() for mode in modes}
    )
    for world, mode in keys:
        cells = [results["worlds"].get(world, {}).get(mode, {}).get(ALL) for results in read.values()]
        shown = ["-" if cell is None else f"{cell['accuracy']:.1%}{_tokens(cell)}" for cell in cells]
        rows.append((world, mode, str(next(cell["n"] for cell in cells if cell)), *shown))
    return "\n".join(_aligned(rows))


def _tokens(cell: dict[str, Any]) -> str:
    return "" if cell["tokens_median"] is None else f" ({cell['tokens_median']:.0f} tokens)"


def write_report(
    rows: Sequence[Row],
    results: dict[str, Any],
    out: Path,
    items: Sequence[Item] | None = None,
    pictures: int | None = None,
) -> Path:
    """Write `report.html`: one file that needs no other and no network.

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
    script = package_text("evaluation/report_states.js") + package_text("evaluation/report.js")
    page = _template().render(
        **page_values(rows, results),
        prompts=run.get("prompts"),
        style=Markup(package_text("evaluation/report.css")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        data={
            name: _in_script(value) for name, value in browser_data(rows, items, run.get("prompts"), pictures).items()
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
    return environment.from_string(package_text("evaluation/report.html"))


def _name(row: Row) -> str:
    """What a response is called in a link: `<id>@<mode>`, and `.<sample>` for any but the first sample."""
    return f"{row.id}@{row.mode}" + (f".{row.sample}" if row.sample else "")


def _quoted(text: str) -> str:
    """A text as part of an address; half a character becomes a question mark, here and in the page's script."""
    return quote(text, safe="", errors="replace")


def _in_script(value: Any) -> Markup:
    """A value as JSON that can stand in a script element: in ASCII, and without the sign that could end the element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))
