"""What episodes did, for tables and for the page of responses."""

from __future__ import annotations

from typing import Any

from idf.worlds import WORLDS, Problem

from ..metrics.row import Row
from ..metrics.summary import ALL
from .tables import aligned, number, percent

TURN_COLUMNS = (
    "world",
    "mode",
    "solved",
    "replies",
    "moves",
    "illegal",
    "unreadable",
    "states",
    "beliefs",
    "out of replies",
)
TURN_MEANINGS = (
    "replies, moves: means of an episode; moves are legal ones, or states that were stated",
    "illegal, unreadable: replies of all episodes that broke a rule, and that said no move or no whole state",
    "states: share of the stated states that are right; beliefs: share of cells that are right where the scene was asked for",
    "out of replies: episodes that used up their budget",
)


def turn_lines(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """A line of texts for each world and mode that was played over turns, in the order of TURN_COLUMNS."""
    lines: list[tuple[str, ...]] = []
    for world, modes in results["worlds"].items():
        for mode, cells in modes.items():
            if (told := cells[ALL].get("episodes")) is None:
                continue
            counts = (str(told["illegal"]), str(told["unreadable"]))
            shares = (percent(told["states"]), percent(told["beliefs"]))
            means = (number(told["replies"], 1), number(told["moves"], 1))
            solved = percent(cells[ALL]["accuracy"])
            lines.append((world, mode, solved, *means, *counts, *shares, str(told["ends"].get("moves", 0))))
    return lines


def turn_table(results: dict[str, Any]) -> str:
    """The same as aligned text with its legend; empty if nothing was played over turns."""
    lines = turn_lines(results)
    return "\n".join([*aligned([TURN_COLUMNS, *lines]), "", *TURN_MEANINGS]) if lines else ""


def replay_of_turns(problem: Problem[Any, Any], row: Row) -> dict[str, Any]:
    """An episode beside the world, in the form of `details.replay`: the moves that were made, or the states that were stated."""
    world = WORLDS[problem.world]
    if world.plans:
        made = list(row.parsed or ())
        states = [world.line(state) for state in world.replay(problem.start, made)]
        return {"along": "made", "actions": made, "states": states, "stop": None, "claims": {}, "first": None}
    stated = [turn for turn in row.turns or () if turn["came"] in ("right", "wrong")]
    claims = {
        at: (turn["came"] == "right", "" if turn["came"] == "right" else turn["said"])
        for at, turn in enumerate(stated, 1)
    }
    first = next((at for at, (true, _) in claims.items() if not true), None)
    return {"along": "course", "actions": None, "states": None, "stop": None, "claims": claims, "first": first}
