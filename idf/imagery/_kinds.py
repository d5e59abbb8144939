"""The kinds of imagery samples: what is asked of a walk, and the answer that spells out what has to be imagined.

rollout    all states of a walk, then a question about the last one
step       one step from a state in the middle of a walk
inverse    which action leads from one state to the next (asked only where no other action does)
legality   which actions are legal after some steps, and why the others are not
reading    the state, read off the picture
masked     a simulation with lost states, to be restored
goal       a way to a goal, every state on it spelled out (worlds whose problems ask for a plan)
partial    a scene that is shown in part: the states that agree, and whether they give one answer (only if a recipe asks)

Basic skills are kinds of their own, in `_basics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from idf.worlds import PARTS, WORLDS, Problem, Rng, Walk, World

from ._basics import BASICS
from ._lesson import Lesson, stretch
from ._phrasings import NOTHING

PARTIAL = "partial"
"""The kind that no recipe has unless it names it."""
_LONG = 6  # steps; from here on two states are lost in a masked simulation


def kinds_of(world: World[Any, Any]) -> tuple[str, ...]:
    """The kinds that a world has: legality if some actions are illegal, goal if its problems ask for a plan, partial if it
    can be shown in part; basic skills.
    """
    simulations = [
        kind
        for kind in LESSONS
        if not (kind == "legality" and world.always_legal)
        and not (kind == "goal" and not world.plans)
        and not (kind == PARTIAL and part_of(world.name) not in PARTS)
    ]
    return (*simulations, *(kind for kind, worlds in BASICS.items() if world.name in worlds))


def part_of(world: str) -> str:
    """The name of the world that shows the scenes of a world in part."""
    return f"{world}_part"


def teach(kind: str, scene: Any, rng: Rng) -> Lesson | None:
    """The lesson of a kind about a scene (a problem for "goal" and "partial", else a walk); None if the scene has none."""
    return LESSONS[kind](scene, rng) if kind in LESSONS else BASICS[kind][scene.world](scene, rng)


def _rollout(walk: Walk[Any], rng: Rng) -> Lesson:
    response = f"{WORLDS[walk.world].imagine(walk)}\nAnswer: {walk.answer}"
    fields = {"actions": " ".join(walk.actions), "question": walk.question}
    return Lesson(walk, walk, fields, response, walk.answer, walk.initial, walk.question)


def _step(walk: Walk[Any], rng: Rng) -> Lesson:
    world = WORLDS[walk.world]
    part = stretch(walk, rng.below(len(walk.actions)), 1)
    end = world.line(world.step(part.start, part.actions[0]))
    response = world.unroll(part.start, part.actions)
    return Lesson(part, part, {"actions": part.actions[0]}, response, end, world.line(part.start), "step")


def _inverse(walk: Walk[Any], rng: Rng) -> Lesson | None:
    world = WORLDS[walk.world]
    for at in rng.shuffled(range(len(walk.actions))):
        part = stretch(walk, at, 1)
        tried = {action: world.line(world.step(part.start, action)) for action in world.legal_actions(part.start)}
        if world.whereabouts(part.start) and len(tried) < len(world.actions):
            continue  # the prompt does not say where the others are illegal
        action, end = part.actions[0], tried[part.actions[0]]
        if list(tried.values()).count(end) > 1:
            continue
        shown = tried if len(tried) <= 4 else {action: end}  # of a cube's 18 turns, the right one is enough
        lines = [f"{other}: {state}{', as asked' if other == action else ''}" for other, state in shown.items()]
        response = "\n".join([f"Start: {world.line(part.start)}", *lines, f"Answer: {action}"])
        # The picture shows the state before: a path in it would give the action away.
        return Lesson(replace(part, actions=()), part, {"end": end}, response, action, None, "inverse")
    return None


def _legality(walk: Walk[Any], rng: Rng) -> Lesson:
    world = WORLDS[walk.world]
    at = rng.below(len(walk.actions) + 1)
    part = stretch(walk, at, rng.below(len(walk.actions) - at + 1))
    end = world.replay(part.start, part.actions)[-1]
    answer = " ".join(world.legal_actions(end)) or NOTHING
    response = f"{world.unroll(part.start, part.actions)}\n{world.legality(end)}\nAnswer: {answer}"
    initial = " ".join(world.legal_actions(part.start)) or NOTHING
    fields = {"actions": " ".join(part.actions) or NOTHING, "whereabouts": world.whereabouts(part.start)}
    return Lesson(part, part, fields, response, answer, initial, "legality")


def _reading(walk: Walk[Any], rng: Rng) -> Lesson | None:
    world = WORLDS[walk.world]
    at = rng.below(len(walk.actions))
    part = stretch(walk, at, len(walk.actions) - at)
    if not world.shows_all(part):
        return None
    seen = world.see(part)
    return Lesson(part, part, {"look": world.look}, seen, seen, None, "reading")


def _masked(walk: Walk[Any], rng: Rng) -> Lesson:
    world = WORLDS[walk.world]
    lines = world.unroll(walk.start, walk.actions).split("\n")[1:]
    lost = min(1 if len(lines) < _LONG else 2, len(lines))
    at = rng.below(len(lines) - lost + 1)
    restored = lines[at : at + lost]
    gapped = [f"{line.split(':')[0]}: ?" if line in restored else line for line in lines]
    answer = restored[-1].split(": ", 1)[1]
    fields = {"gapped": "\n".join(gapped)}
    return Lesson(walk, walk, fields, "\n".join(restored), answer, world.line(walk.start), "masked")


def _goal(problem: Problem[Any, Any], rng: Rng) -> Lesson:
    world = WORLDS[problem.world]
    answer = world.answer(problem).write(world.truth(problem))
    response = f"{world.narrate(problem)}\nAnswer: {answer}"
    return Lesson(problem, problem, {}, response, answer, NOTHING, "goal")


def _partial(problem: Problem[Any, Any], rng: Rng) -> Lesson:
    world = WORLDS[problem.world]
    answer, initial = (world.answer(problem).write(say(problem)) for say in (world.truth, world.initial))
    response = f"{world.narrate(problem)}\nAnswer: {answer}"
    return Lesson(problem, problem, {}, response, answer, initial, world.asked(problem))


LESSONS: dict[str, Callable[[Any, Rng], Lesson | None]] = {
    "rollout": _rollout,
    "step": _step,
    "inverse": _inverse,
    "legality": _legality,
    "reading": _reading,
    "masked": _masked,
    "goal": _goal,
    PARTIAL: _partial,
}
"""Kind -> how its samples are made."""

KINDS = (*LESSONS, *BASICS)
"""All kinds; by default a recipe has those of LESSONS."""
