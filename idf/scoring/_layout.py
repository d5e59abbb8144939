"""Tables and JSON of a trace, told line by line, so that one reader reads every layout."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._tables import ACTIONS, BEGINS, ENDS, NOTHING, NUMBERS, REMARKS, RULE, STATES, STEPS, as_line, table_at

_LONGEST_JSON = 20_000
_MOST_FAILED = 50  # lines that look like JSON and are none, after which no more is tried
_INLINE = re.compile(
    r"(?<=[;.,)|])\s+(?=(?:\*\*)?(?:step|roll|move|turn) \d+\s*(?:\([^()]*\))?\s*[:→-])", re.IGNORECASE
)


@dataclass(frozen=True)
class Unit:
    """One thing that a trace says.

    Attributes:
        at: The line that it begins in.
        used: How many lines it takes.
        text: What it says, as a line; for a plain line that line.
        plain: Whether it is a line as it stands, so that lines below may belong to it.
    """

    at: int
    used: int
    text: str
    plain: bool = True


def units_of(lines: Sequence[str]) -> list[Unit]:
    """The lines of a trace, with tables and JSON values told as lines."""
    found: list[Unit] = []
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    at, failed = 0, 0
    while at < len(lines):
        line, used, told = lines[at].strip(), 0, list[str]()
        if line[:1] in ("{", "[") and failed < _MOST_FAILED:
            told, used = _json_at(text, starts, at)
            failed += not used
        elif line.count("|") >= 2 and at + 1 < len(lines) and RULE.fullmatch(lines[at + 1].strip() or "x"):
            told, used = table_at(lines, at)
        if used:
            found += [Unit(at, used if n == 0 else 0, said, False) for n, said in enumerate(told)]
            if not told:
                found.append(Unit(at, used, "", False))
            at += used
        else:
            first, *others = _INLINE.split(lines[at]) if len(lines[at]) > 60 else [lines[at]]
            found.append(Unit(at, 1, first, not others))
            found += [Unit(at, 0, other, False) for other in others]
            at += 1
    return found


# --- JSON ----------------------------------------------------------------------------------------------------------


def _json_at(text: str, starts: Sequence[int], at: int) -> tuple[list[str], int]:
    """The steps of a JSON value that begins with a line, as lines, and how many lines it takes."""
    begin = starts[at]
    piece = text[begin : begin + _LONGEST_JSON]
    skip = len(piece) - len(piece.lstrip())
    try:
        value, used = json.JSONDecoder().raw_decode(piece[skip:])
    except (ValueError, RecursionError):
        return [], 0
    if not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(entry, dict) for entry in value)
    ):
        return [], 0
    end, last = begin + skip + used, at
    while last + 1 < len(starts) - 1 and starts[last + 1] < end:
        last += 1
    return list(_steps(value)), last - at + 1


def _steps(value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for entry in value for line in (_steps(entry) if isinstance(entry, dict) else [_flat(entry)])]
    lower = {str(key).casefold(): entry for key, entry in value.items()}
    nested = [
        key
        for key in lower
        if key in STEPS and isinstance(lower[key], list) and any(isinstance(e, dict) for e in lower[key])
    ]
    numbered = [
        key
        for key in lower
        if re.fullmatch(r"(?:step|roll|move|turn|after)?[ _]*\d+", key) and isinstance(lower[key], dict | str | list)
    ]
    number, action, rest, remark, lines = "", "", [], [], list[str]()
    for key, entry in lower.items():
        name = key.replace("_", " ")
        if key in nested:
            continue
        if key in numbered:
            continue
        if key in NUMBERS and isinstance(entry, int | str):
            said = str(entry).casefold()
            number = "0" if said in NOTHING | BEGINS else re.sub(r"\D", "", said) or number
        elif key in ACTIONS and isinstance(entry, int | str):
            if str(entry).isdigit():
                number = str(entry)
            else:
                action = str(entry)
        elif key in REMARKS or name in REMARKS:
            remark.append(str(entry))
        elif (key in BEGINS or name in BEGINS) and (nested or numbered or len(lower) > 1):
            lines.append(f"Start: {_flat(entry)}")
        elif (key in ENDS or name in ENDS) and (nested or numbered or len(lower) > 1):
            lines.append(f"Final: {_flat(entry)}")
        elif key in ("target", "goal") and nested:
            lines.append(f"Target: {_flat(entry)}")
        elif key in ("answer", "final answer", "final_answer"):
            continue
        elif key in STATES or name in STATES:
            rest.append(_flat(entry))
        else:
            rest.append(f"{name}: {_flat(entry)}")
    if rest or action or number:
        lines.append(as_line(number, action, "; ".join(rest), " ".join(remark)))
    for key in nested:
        lines += _steps(lower[key])
    for key in numbered:
        step = re.sub(r"\D", "", key)
        entry = lower[key]
        told = _steps({"step": step, **entry}) if isinstance(entry, dict) else [as_line(step, "", _flat(entry))]
        lines += told
    finals = [line for line in lines if line.startswith("Final:")]
    return [line for line in lines if not line.startswith("Final:")] + finals


def _flat(value: Any) -> str:
    """A JSON value in words: cells in brackets, rows with a slash between, keys before colons."""
    if isinstance(value, dict):
        lower = {str(key).casefold(): entry for key, entry in value.items()}
        for names in (("row", "col"), ("row", "column"), ("r", "c"), ("x", "y", "z")):
            if set(lower) == set(names):
                return "(" + ",".join(str(lower[name]) for name in names) + ")"
        for colour in ("colour", "color"):
            cell = next(
                (
                    lower[name]
                    for name in ("cell", "position", "pos", "at", "xyz", "coordinates", "coords")
                    if name in lower
                ),
                None,
            )
            if colour in lower and cell is None and {"x", "y", "z"} <= set(lower):
                cell = [lower[axis] for axis in "xyz"]
            if colour in lower and cell is not None:
                return f"{lower[colour]} {_flat(cell)}"
        return "; ".join(f"{key}: {_flat(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        if 2 <= len(value) <= 3 and all(isinstance(n, int) for n in value):
            return "(" + ",".join(map(str, value)) + ")"
        if any(isinstance(entry, dict) for entry in value):
            return "; ".join(_flat(entry) for entry in value)
        if any(isinstance(entry, list) for entry in value):
            coordinates = any(
                isinstance(e, list) and 2 <= len(e) <= 3 and all(isinstance(n, int) for n in e) for e in value
            )
            return (", " if coordinates else " / ").join(_flat(entry) for entry in value)
        rows = [str(entry) for entry in value]
        return (
            " / ".join(rows) if any((len(row) > 1 and row.isdigit()) or " " in row for row in rows) else " ".join(rows)
        )
    return str(value)
