"""Whether a right trace proves its way: right by luck is told from right by imagining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from idf.worlds import ALL, PARTS, WORLDS, Problem

from ._cases import judge_cases
from ._claims import Reading, read_trace
from ._process import compare_read_offs
from ._replay import Replay


def replay_claims(
    problem: Problem[Any, Any],
    reading: Reading,
    actions: Sequence[str],
    most_corrections: int | None,
    level: str = "process",
) -> tuple[str, str] | None:
    """Compare all that a right trace says of states with the world.

    Args:
        problem: The problem.
        reading: The trace.
        actions: The true actions: those of the problem or, for a planning problem, the plan of the answer line.
        most_corrections: How many false claims the trace may take back; None for any number.
        level: "process" wants every step claimed; "consistent" nothing false, and some work that replays.

    Returns:
        None if it holds; else the rule that is broken and one sentence: "lucky" (the first false claim is named),
        "unproven" (the first step without a state is named), "corrected".
    """
    if problem.world in PARTS:
        return judge_cases(problem, reading.lines, level)
    found = _judge(problem, reading, actions, most_corrections, level)
    if found and found[0] == "lucky" and WORLDS[problem.world].counts_cells and not reading.first:
        # A trace that counts rows and columns from 1 all along is as true.
        again = read_trace(WORLDS[problem.world], "\n".join(reading.lines), first=1)
        from_one = _judge(problem, again, actions, most_corrections, level)
        return found if from_one and from_one[0] == "lucky" else from_one
    return found


def _judge(
    problem: Problem[Any, Any], reading: Reading, actions: Sequence[str], most_corrections: int | None, level: str
) -> tuple[str, str] | None:
    replay = Replay(problem, reading, actions)
    replay.run()
    wrong, corrections = replay.judged()
    read_off = compare_read_offs(problem, reading)
    if read_off.false and not reading.first:
        wrong = wrong or f"read off is {read_off.false!r}, true is {read_off.truth!r}"
    if wrong:
        return "lucky", wrong
    if level == "process":
        if missing := _missing(replay):
            return "unproven", missing
        if (
            not actions and read_off.unsaid and not _sighted(replay)
        ):  # nothing moves: all there is to prove is what is read off
            return "unproven", f"nothing is said of {read_off.unsaid[0]}"
    elif not replay.works and not read_off.said:
        return "unproven", "nothing is claimed that can be replayed"
    if most_corrections is not None and corrections > most_corrections:
        return "corrected", f"{corrections} false claims are taken back, {most_corrections} may be"
    return None


def _sighted(replay: Replay) -> bool:
    """Whether a problem that needs no steps is answered line of sight by line of sight."""
    sights = replay.world.sights(replay.problem)
    return bool(sights) and all(replay.sights.intersection(slots) for slots in sights)


def _missing(replay: Replay) -> str:
    """What the first step lacks that is not claimed; empty if there is none."""
    if _sighted(replay):
        return ""  # read off line by line without a step
    if (
        replay.world.steps_at_once
        and len(replay.states) > 2
        and not replay.covered.keys() & set(range(1, len(replay.states) - 1))
    ):
        start, end = replay.facts(replay.states[0]), replay.facts(replay.states[-1])
        if {slot for slot in end if start.get(slot) != end[slot]} & replay.covered.get(len(replay.states) - 1, set()):
            return ""  # a half turn
    for number in range(1, len(replay.states)):
        covered = replay.covered.get(number) or set()
        if ALL in covered:
            continue
        if not covered:
            named = any(claim.number == number for claim in replay.reading.claims)
            if named:
                return f"no state is claimed after step {number} ({replay.actions[number - 1]})"
            return f"step {number} of {len(replay.actions)} is not claimed in a form that can be read"
        before, after = replay.facts(replay.states[number - 1]), replay.facts(replay.states[number])
        changed = {slot for slot in after if before.get(slot) != after[slot]}
        if changed and not replay.world.tells(changed, covered):
            return f"nothing that changes in step {number} ({replay.actions[number - 1]}) is claimed"
    return ""
