"""Traces in the manner of models: one simulation, true or spoilt, told in many styles."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from idf.scoring import write_answer
from idf.worlds import WORLDS, Problem, Rng

Told = dict[Any, Any]
FACES = ("top", "bottom", "left", "right", "front", "back")
RUBIK = {"U": "Up", "D": "Down", "L": "Left", "R": "Right", "F": "Front", "B": "Back"}


def slots(world: str, told: Told) -> Told:
    """What is told of a state: things of a room, cells of the other worlds; no columns, no drawn room."""
    if world == "moving_box":
        return {slot: told[slot] for slot in ("player", "box")}
    return {slot: value for slot, value in told.items() if slot[0] != "column"}


def simulation(of: Problem[Any, Any]) -> tuple[tuple[str, ...], list[Told]]:
    """Actions and what can be told of each state."""
    world = WORLDS[of.world]
    actions = world.solve(of)
    return actions, [slots(of.world, dict(world.facts(state))) for state in world.replay(of.start, actions)]


def spoilt(world: str, told: Told, before: Told, rng: Rng) -> Told:
    """A state with one thing wrong: two values swapped, or one thing a cell off; what changed is preferred."""
    changed = [slot for slot in told if before.get(slot) != told[slot]] or list(told)
    slot = rng.choice(changed)
    if world == "moving_box":
        row, column = told[slot]
        beside = [(row + 1, column), (row, column + 1), (abs(row - 1), column + 1)]
        return told | {slot: rng.choice([cell for cell in beside if cell != before.get(slot)])}
    if world == "mental_rotation":
        x, y, z = slot
        free = [cell for cell in ((x + 1, y, z), (x, y - 1, z), (x, y, z + 1)) if cell not in told]
        return {free[0] if s == slot else s: value for s, value in told.items()}
    other = rng.choice([s for s in told if told[s] != told[slot]])
    return told | {slot: told[other], other: told[slot]}


# --- states in words ------------------------------------------------------------------------------------------------


def line(world: str, told: Told) -> str:
    """A state in a line, in another wording than the oracle's."""
    if world == "cube_rolling":
        return ", ".join(f"{face} {told[face]}" for face in FACES if face in told)
    if world == "rubiks_cube":
        return "; ".join(f"{face}: {nine(told, face)}" for face in RUBIK if (face, 0) in told)
    if world == "moving_box":
        return ", ".join(
            f"{thing} at ({told[thing][0]}, {told[thing][1]})" for thing in ("player", "box") if thing in told
        )
    if world == "mental_rotation":
        return ", ".join(f"{colour} at ({x}, {y}, {z})" for (x, y, z), colour in told.items())
    return " / ".join(" ".join(told[r, c] for c in range(4)) for r in range(5))


def nine(told: Told, face: str) -> str:
    return " / ".join(" ".join(told[face, 3 * r + c] for c in range(3)) for r in range(3))


def below(world: str, told: Told) -> str:
    """A state over several lines."""
    if world == "cube_rolling":
        return "\n".join(f"- {face.title()}: {told[face]}" for face in FACES if face in told)
    if world == "rubiks_cube":
        return "\n".join(f"- {RUBIK[face]} ({face}): {nine(told, face)}" for face in RUBIK if (face, 0) in told)
    if world == "moving_box":
        return "\n".join(
            f"- {thing.title()}: ({told[thing][0]}, {told[thing][1]})" for thing in ("player", "box") if thing in told
        )
    if world == "mental_rotation":
        return "\n".join(f"- {colour}: ({x}, {y}, {z})" for (x, y, z), colour in told.items())
    return "```\n" + "\n".join(" ".join(told[r, c] for c in range(4)) for r in range(5)) + "\n```"


def phrase(world: str, action: str) -> str:
    ways = {"u": "up", "d": "down", "l": "left", "r": "right"}
    if world == "cube_rolling":
        return f"roll to the {action}"
    if world == "moving_box":
        return f"move {ways[action]}"
    if world == "wood_slide":
        return f"block {action[0]} moves {ways[action[1]]}"
    return action if world == "rubiks_cube" else f"turn {action}"


def changed(told: Told, before: Told) -> Told:
    return {slot: value for slot, value in told.items() if before.get(slot) != value} or told


# --- styles ---------------------------------------------------------------------------------------------------------

Style = Callable[[str, Sequence[str], list[Told]], str]


def headings(world: str, actions: Sequence[str], states: list[Told]) -> str:
    parts = [f"**Start**\n{below(world, states[0])}"]
    parts += [
        f"### Step {n}: {phrase(world, action).capitalize()}\n{below(world, state)}"
        for n, (action, state) in enumerate(zip(actions, states[1:]), 1)
    ]
    return "\n\n".join(parts)


def bold_list(world: str, actions: Sequence[str], states: list[Told]) -> str:
    lines = [f"**Initial state:** {line(world, states[0])}"]
    lines += [f"{n}. **{phrase(world, a)}** → {line(world, s)}" for n, (a, s) in enumerate(zip(actions, states[1:]), 1)]
    return "\n".join(lines)


def remarks(world: str, actions: Sequence[str], states: list[Told]) -> str:
    lines = [f"Start: {line(world, states[0])} (as given)"]
    lines += [
        f"{n}. {a}: {line(world, s)} (that is what this step does)"
        for n, (a, s) in enumerate(zip(actions, states[1:]), 1)
    ]
    return "\n".join(lines)


def table(world: str, actions: Sequence[str], states: list[Told]) -> str:
    rows = ["| Step | Action | State |", "|---|---|---|", f"| 0 | start | {line(world, states[0])} |"]
    rows += [f"| {n} | {a} | {line(world, s)} |" for n, (a, s) in enumerate(zip(actions, states[1:]), 1)]
    return "\n".join(rows)


def as_json(world: str, actions: Sequence[str], states: list[Told]) -> str:
    def value(told: Told) -> Any:
        if world == "wood_slide":
            return ["".join(told[r, c] for c in range(4)) for r in range(5)]
        if world == "rubiks_cube":
            return {face: [told[face, at] for at in range(9)] for face in RUBIK}
        if world == "mental_rotation":
            return [{"color": colour, "position": list(cell)} for cell, colour in told.items()]
        return {str(slot): list(v) if isinstance(v, tuple) else v for slot, v in told.items()}

    steps = [{"step": 0, "action": None, "state": value(states[0])}]
    steps += [{"step": n, "action": a, "state": value(s)} for n, (a, s) in enumerate(zip(actions, states[1:]), 1)]
    return "```json\n" + json.dumps({"steps": steps}, indent=1) + "\n```"


def json_lines(world: str, actions: Sequence[str], states: list[Told]) -> str:
    return "\n".join(
        json.dumps({"step": n, "move": a, "after": line(world, s)})
        for n, (a, s) in enumerate(zip(actions, states[1:]), 1)
    )


def prose(world: str, actions: Sequence[str], states: list[Told]) -> str:
    said = [f"At the beginning we have {line(world, states[0])}."]
    for n, (a, s) in enumerate(zip(actions, states[1:]), 1):
        said.append(f"In step {n} ({a}) I carefully {phrase(world, a)}. After that we have {line(world, s)}.")
    return " ".join(said)


def only_changes(world: str, actions: Sequence[str], states: list[Told]) -> str:
    lines = [f"Start: {line(world, states[0])}"]
    for n, (a, s) in enumerate(zip(actions, states[1:]), 1):
        new = changed(s, states[n - 1])
        if world == "rubiks_cube":
            new = {slot: v for slot, v in s.items() if slot[0] in {slot[0] for slot in new}}
        if world == "wood_slide":
            rows = sorted({slot[0] for slot in new})
            told = "; ".join(f"row {r + 1}: {' '.join(s[r, c] for c in range(4))}" for r in rows)
        else:
            told = line(world, new)
        lines.append(f"Step {n}, {phrase(world, a)}: now {told}.")
    return "\n".join(lines)


STYLES: dict[str, Style] = {
    style.__name__: style for style in (headings, bold_list, remarks, table, as_json, json_lines, prose, only_changes)
}


def told(of: Problem[Any, Any], style: str, *, wrong: int | None = None) -> str:
    """A trace of a problem in a style; the state after step `wrong` is spoilt."""
    actions, states = simulation(of)
    if wrong is not None:
        states[wrong] = spoilt(of.world, states[wrong], states[max(wrong - 1, 0)], Rng("spoilt", style, wrong, str(of)))
    world = WORLDS[of.world]
    answer = write_answer(world.answer_kind(of), world.truth(of))
    return f"{STYLES[style](of.world, actions, states)}\n\nAnswer: {answer}"
