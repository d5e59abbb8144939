"""What an episode says: its first words, what it asks, and how an answer is to be written."""

from __future__ import annotations

from typing import Any

from idf.worlds import WORLDS, Problem

from ._options import Options

MOVE = "End each reply with one line of exactly this form:\nMove: <move>"
STATE = "End each reply with one line of exactly this form:\nState: <state>"


def opening(problem: Problem[Any, Any], options: Options) -> str:
    """What is said first: the rules, what is seen, and what to do."""
    world = WORLDS[problem.world]
    before = "" if world.plans else " before you answer"
    budget = "" if options.max_moves is None else f" You have {options.max_moves} replies{before}."
    if world.plans:
        return f"{_task(problem, options)}\n\nMake one move at a time; each time you are told what came of it.{budget}\n{MOVE}"
    told = (
        f"Do not answer yet. The actions are named one by one; after each, write the whole state that it leads to, and you are "
        f"told whether it is right.{budget} {STATE}"
    )
    return f"{_task(problem, options)}\n\n{told}" if world.solve(problem) else _task(problem, options)


def _task(problem: Problem[Any, Any], options: Options) -> str:
    world = WORLDS[problem.world]
    if options.show == "window":
        start = f"{world.glimpse(problem.start, options.radius)}"
        rules = rules_of(problem) if world.plans else world.rule
        known = "" if world.plans else f"At the start: {world.describe(problem.start, pictured=False)}. "
        return f"{rules} {known}{world.inside}\n{start}"
    described = options.show != "picture"
    if world.plans:
        return world.question(problem, wording="long", described=described)
    return f"{world.rule}\n{world.question(problem, wording='short', described=described)}"


def rules_of(problem: Problem[Any, Any]) -> str:
    """The rules of a world, less what they say is to be written."""
    return WORLDS[problem.world].rule.partition(" Write ")[0]


def scene(problem: Problem[Any, Any], state: Any, options: Options) -> str:
    """What a state looks like: in words, in part, or in the picture."""
    world = WORLDS[problem.world]
    if options.show == "window":
        return f"{world.glimpse(state, options.radius)}"
    return world.write(state) if options.show != "picture" else "The picture shows it."


def probe(problem: Problem[Any, Any]) -> str:
    """The question for the whole scene."""
    world = WORLDS[problem.world]
    return f"Write the whole scene as you believe that it is now; this costs no move. {world.recall or world.look}"


def question(problem: Problem[Any, Any], options: Options) -> str:
    """The question of a described world, behind its actions."""
    world = WORLDS[problem.world]
    asked = f"\n{world.question(problem, wording='short', described=True)}" if options.show == "window" else ""
    return f"Now answer the question.{asked}\nEnd with one line of exactly this form:\nAnswer: {world.answer(problem).form}"
