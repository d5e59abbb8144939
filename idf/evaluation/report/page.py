"""What the page of an evaluation says, as plain values: the template only sets it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import exp
from typing import Any, NamedTuple

from idf.backends import SERVERS_OWN
from idf.suites import MODES

from ..metrics.row import Row
from ..metrics.summary import ALL
from . import abstaining
from .browser import outcome
from .charts import CELL_NAMES, DIFFICULTIES, accuracy_chart, budget_chart, gap_chart, growth_chart, step_chart
from .exercises import EXERCISE_COLUMNS, EXERCISE_LEGEND, exercise_lines
from .modes import CAUSES_LEGEND, STEP_COLUMNS, STEPS_LEGEND, STEPS_TITLE, cause_rows, gap_notes, gap_rows, step_lines
from .modes import TITLE as GAP_TITLE
from .tables import (
    IMAGE_COLUMNS,
    MEANINGS,
    OFFICIAL,
    PER_RIGHT,
    image_legend,
    image_lines,
    macro_baselines,
    macro_interval,
    players_of,
)
from .wording import TITLE, wording_notes, wording_rows

MOST_TRUNCATED = 0.02
"""Above this share of responses that were cut off, a cell's accuracy says as much of the budget as of the model."""
MOST_UNREAD = 0.05
"""Above this share of responses without a readable answer, the page is loud about it."""

OUTCOMES = {
    "correct": "the final answer is right",
    "wrong": "a false answer",
    "illegal": "the plan breaks a rule",
    "incomplete": "a legal plan that does not end at the goal",
    "unparsed": "no answer could be read",
    "refused": "the model declined to answer",
    "truncated": "cut off before an answer",
    "empty": "the response is empty",
    "error": "no response could be had",
}
CAUSES = {
    "perception": "The start that the response states is not the one that was shown.",
    "transformation": "A move is illegal, or a state on the way is not what the move leads to.",
    "strategic": "Every move is legal, and the plan never gets there, goes in circles or takes a long way round.",
    "format": "What was said could not be read as an answer, or nothing was said.",
    "unstated": "The answer is false, and too few states are spelled out to tell where it went wrong.",
    "undiagnosed": "The row names no cause: it was written by an older version.",
}
_NO_ANSWER = ("unparsed", "refused", "empty")
_EXAMPLES = 6  # of each cause
_NAMED = 4  # cells in a notice


class Notice(NamedTuple):
    """A sentence above the results."""

    loud: bool
    text: str


class Line(NamedTuple):
    """A line of the summary table. `kind` is "all" or "part" (a difficulty)."""

    kind: str
    mode: str
    difficulty: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    players: list[float | None]
    numbers: list[str]


class Mean(NamedTuple):
    """A line of the summary table for the mean over worlds in a mode; `how` says where its interval is from."""

    mode: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    players: list[float | None]
    how: str


class Column(NamedTuple):
    """A column of the summary table, right of the accuracy."""

    label: str
    title: str


COLUMNS = (
    Column(OFFICIAL, MEANINGS[OFFICIAL]),
    Column("wrong", OUTCOMES["wrong"]),
    Column("illegal", OUTCOMES["illegal"]),
    Column("incomplete", OUTCOMES["incomplete"]),
    Column("passed by", "plans that are not correct although the goal held on the way"),
    Column("unread", MEANINGS["unread"]),
    Column("failed", MEANINGS["failed"]),
    Column("cut off", MEANINGS["cut off"]),
    Column("tokens", MEANINGS["tokens"]),
    Column("p90", MEANINGS["p90"]),
    Column(PER_RIGHT, MEANINGS[PER_RIGHT]),
    Column("moves/optimal", MEANINGS["moves/optimal"]),
    Column(
        "detects gaps above",
        "points of accuracy: with so many items a gap to a run on other items is found 80 % of the time if it is larger (5 % "
        "level, accuracies near 50 %)",
    ),
    Column("pass@k", "share of items that at least one of k responses gets right"),
)


def page_values(rows: Sequence[Row], results: dict[str, Any]) -> dict[str, Any]:
    """All values of the template, but for the browser's data."""
    worlds = {world: _in_order(modes) for world, modes in results["worlds"].items()}
    modes = list(_in_order(dict.fromkeys(mode for cells in worlds.values() for mode in cells)))
    floors, players = results.get("baselines") or {}, players_of(results)
    efficiency = {world: _in_order(said) for world, said in (results.get("efficiency") or {}).items()}
    counts = Counter((row.world, row.mode, d, outcome(row)) for row in rows for d in (row.difficulty, ALL))
    run = results["run"]
    return {
        "title": str(run.get("evaluated", "evaluation")),
        "facts": _facts(run),
        "run": {str(key): _text(value) for key, value in run.items()},
        "notices": [*_notices(rows, worlds), *_on_sampling(run)],
        "responses": len(rows),
        "modes": modes,
        **_summary(
            {world: _lines(world, cells, floors.get(world, {}), players, counts) for world, cells in worlds.items()}
        ),
        "official": COLUMNS[0],
        "players": [Column(player, MEANINGS.get(player, "what a trivial player has")) for player in players],
        "means": _means(results, modes, players),
        "charts": {world: accuracy_chart(cells, floors.get(world, {})) for world, cells in worlds.items()},
        "wording": {"title": TITLE, "rows": wording_rows(results), "notes": wording_notes(results)}
        if results.get("held_out")
        else None,
        "has_floors": bool(floors),
        "abstaining": abstaining.abstaining_lines(results, difficulties=True),
        "abstaining_columns": abstaining.COLUMNS,
        "abstaining_legend": abstaining.LEGEND,
        "matrix": {
            world: [cells[mode][ALL] if mode in cells else None for mode in modes] for world, cells in worlds.items()
        },
        "efficiency": {
            world: {"growth": growth_chart(said), "budgets": budget_chart(said), "fits": _fits(said)}
            for world, said in efficiency.items()
        },
        "gap": _gap(results) if results.get("mode_gap") else None,
        "images": [IMAGE_COLUMNS, *lines] if (lines := image_lines(results)) else [],
        "image_legend": image_legend(),
        "exercises": [EXERCISE_COLUMNS, *steps] if (steps := exercise_lines(results)) else [],
        "exercise_legend": EXERCISE_LEGEND,
        "outcomes": OUTCOMES,
        "errors": _stacks(rows, list(worlds), outcome, list(OUTCOMES)),
        "causes": CAUSES,
        "caused": _stacks([row for row in rows if not row.correct], list(worlds), _cause, list(CAUSES)),
        "diagnosed": any(row.cause for row in rows),
        "examples": _examples(rows),
    }


def _gap(results: dict[str, Any]) -> dict[str, Any]:
    """The gap of modes, and where responses first go wrong: tables and drawings."""
    steps = {world: _in_order(said) for world, said in results.get("first_wrong", {}).items()}
    return {
        "title": GAP_TITLE,
        "rows": gap_rows(results),
        "notes": gap_notes(results),
        "cells": CELL_NAMES,
        "pairs": [
            {
                "first": pair["first"],
                "second": pair["second"],
                "charts": {
                    world: gap_chart(told["by_size"], pair["first"], pair["second"])
                    for world, told in pair["worlds"].items()
                },
            }
            for pair in results["mode_gap"]["pairs"]
        ],
        "causes": cause_rows(results),
        "causes_legend": CAUSES_LEGEND,
        "steps_title": STEPS_TITLE,
        "step_charts": {
            world: {"accuracy": step_chart(said, tokens=False), "tokens": step_chart(said, tokens=True)}
            for world, said in steps.items()
        },
        "steps": [STEP_COLUMNS, *step_lines(results)],
        "steps_legend": STEPS_LEGEND,
    }


def _in_order(modes: dict[str, Any]) -> dict[str, Any]:
    """Modes in our order: picture, text, both; then any other."""
    return {mode: modes[mode] for mode in sorted(modes, key=lambda m: (MODES.index(m) if m in MODES else 99, m))}


def _facts(run: dict[str, Any]) -> dict[str, str]:
    said = {}
    for key in ("suite", "items", "modes", "prompts", "pictures", "damage", "samples", "backend", "versions", "idf"):
        value = run.get(key)
        if value is not None:
            said["idf version" if key == "idf" else key.replace("_", " ")] = _text(value)
    return said


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items() if inner is not None)
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def _notices(rows: Sequence[Row], worlds: dict[str, dict[str, Any]]) -> list[Notice]:
    cut = [
        (cell["truncated"] / cell["n"], f"{world} {mode} {part}, {cell['truncated']} of {cell['n']}")
        for world, modes in worlds.items()
        for mode, cells in modes.items()
        for part, cell in cells.items()
        if (part != ALL or len(cells) == 1) and cell["truncated"] > MOST_TRUNCATED * cell["n"]
    ]
    found = []
    if cut:
        worst = "; ".join(text for _, text in sorted(cut, key=lambda one: -one[0])[:_NAMED])
        text = (
            f"Cut off: in {_number(len(cut), 'cell')} (of a world, mode and difficulty) more than {MOST_TRUNCATED:.0%} of the "
            f"responses reached the token budget, so accuracies there are lower bounds ({worst}"
        )
        found.append(
            Notice(True, f"{text}; {len(cut) - _NAMED} more below).")
            if len(cut) > _NAMED
            else Notice(True, f"{text}).")
        )
    if failed := sum(row.finish_reason == "error" for row in rows):
        found.append(
            Notice(True, f"No response could be had for {failed} of {len(rows)} questions; they count as not correct.")
        )
    unread = sum(row.error in _NO_ANSWER for row in rows)
    share = unread / len(rows) if rows else 0.0
    text = f"No answer could be read in {unread} of {len(rows)} responses ({share:.1%}: unparsed, refused or empty)."
    found.append(Notice(share > MOST_UNREAD, text))
    return found


def _on_sampling(run: dict[str, Any]) -> list[Notice]:
    if run.get("sampling") != SERVERS_OWN:
        return []
    return [Notice(True, f"Sampling is {SERVERS_OWN}: how tokens were chosen is not known.")]


def _summary(lines: dict[str, list[Line]]) -> dict[str, Any]:
    """The summary table, without the columns in which nothing stands."""
    everything = [line.numbers for some in lines.values() for line in some]
    kept = [at for at in range(len(COLUMNS)) if any(numbers[at] != "–" for numbers in everything)]
    return {
        "columns": [COLUMNS[at] for at in kept],
        "summary": {
            world: [line._replace(numbers=[line.numbers[at] for at in kept]) for line in some]
            for world, some in lines.items()
        },
    }


def _lines(
    world: str,
    modes: dict[str, Any],
    floors: dict[str, Any],
    players: Sequence[str],
    counts: Counter[tuple[str, str, str, str]],
) -> list[Line]:
    lines = []
    for mode, cells in modes.items():
        for part in (ALL, *(d for d in cells if d != ALL)):
            cell = cells[part]
            n = {o: counts[world, mode, part, o] for o in OUTCOMES}
            numbers = [
                _percent(cell["official_accuracy"]),
                *(str(n[o]) for o in ("wrong", "illegal", "incomplete")),
                str(cell.get("solved_prefix") or "–"),
                str(sum(n[o] for o in _NO_ANSWER)),
                str(n["error"] or "–"),
                str(cell["truncated"]),
                *(_whole(cell.get(key)) for key in ("tokens_median", "tokens_p90", "tokens_per_correct")),
                "–" if cell.get("moves_over_optimal") is None else f"{cell['moves_over_optimal']:.2f}",
                "–" if cell.get("detectable") is None else f"{cell['detectable'] * 100:.1f}",
                ", ".join(f"@{k} {share:.0%}" for k, share in cell.get("pass_at_k", {}).items()) or "–",
            ]
            kind = "all" if part == ALL else "part"
            low, high = cell["wilson95"]
            shares = floors.get(mode, {}).get(part, {})
            mine = [shares.get(player) for player in players]
            lines.append(Line(kind, mode, part, cell["n"], cell["accuracy"], (low, high), mine, numbers))
    return lines


def _number(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _means(results: dict[str, Any], modes: Sequence[str], players: Sequence[str]) -> list[Mean]:
    said = []
    for mode in modes:
        numbers, shares = results["macro"][mode], macro_baselines(results, mode)
        how = (
            f"interval: bootstrap of {numbers['clusters']:,} problems, {numbers['draws']:,} draws; the worlds' Wilson intervals "
            "joined where they are wider"
        )
        mine = [shares.get(player) for player in players]
        n = sum(cells[mode][ALL]["n"] for cells in results["worlds"].values() if mode in cells)
        said.append(Mean(mode, n, numbers["accuracy"], macro_interval(numbers), mine, how))
    return said


class Fit(NamedTuple):
    """How the tokens of one mode grow with the size: what is drawn, and the other fit beside it."""

    mode: str
    better: str
    text: str
    other: str


def _fits(efficiency: dict[str, Any]) -> list[Fit]:
    said = []
    for mode, values in efficiency.items():
        growth = values.get("growth")
        if not growth:
            said.append(Fit(mode, "no fit", "too few responses or sizes", ""))
            continue
        slope, rate = growth["linear"]["slope"], growth["exponential"]["rate"]
        slopes, (low, high) = growth["linear"]["ci95"], growth["exponential"]["ci95"]
        linear = f"{slope:+.1f} tokens a step [{slopes[0]:+.1f}, {slopes[1]:+.1f}]"
        exponential = f"{exp(rate) - 1:+.1%} a step [{exp(low) - 1:+.1%}, {exp(high) - 1:+.1%}]"
        if growth["better"] == "exponential":
            linear, exponential = exponential, linear
        cut = f", of which {growth['cut_off']} cut off" if growth.get("cut_off") else ""
        said.append(Fit(mode, growth["better"], linear, f"otherwise {exponential}; n = {growth['n']}{cut}"))
    return said


class Stack(NamedTuple):
    """One bar: how often each class occurs in a world and difficulty."""

    difficulty: str
    n: int
    parts: list[tuple[str, int]]


def _stacks(rows: Sequence[Row], worlds: Sequence[str], of: Any, classes: Sequence[str]) -> dict[str, list[Stack]]:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.world, row.difficulty][of(row)] += 1
    order = [*DIFFICULTIES, *sorted({row.difficulty for row in rows} - set(DIFFICULTIES))]
    stacks = {}
    for world in worlds:
        bars = []
        for difficulty in order:
            if found := counts.get((world, difficulty)):
                names = [*classes, *sorted(set(found) - set(classes))]
                bars.append(Stack(difficulty, found.total(), [(name, found[name]) for name in names if found[name]]))
        stacks[world] = bars
    return stacks


def _cause(row: Row) -> str:
    return row.cause or "undiagnosed"


def _examples(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Some responses of each cause, from as many worlds as there are."""
    by_cause: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row.correct:
            by_cause[_cause(row)][row.world].append(row)
    order = [*CAUSES, *sorted(set(by_cause) - set(CAUSES))]
    return {cause: _one_of_each_in_turn(by_cause[cause])[:_EXAMPLES] for cause in order if cause in by_cause}


def _one_of_each_in_turn(groups: dict[str, list[Row]]) -> list[Row]:
    return [group[at] for at in range(_EXAMPLES) for group in groups.values() if at < len(group)]
