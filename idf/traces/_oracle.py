"""The oracle teacher: a world's solver, put into words. It needs no network and makes no mistakes."""

from __future__ import annotations

from typing import Any

from idf.worlds import WORLDS, Problem


def oracle_response(problem: Problem[Any, Any]) -> str:
    """The solver's solution as reasoning, ending in the answer line."""
    world = WORLDS[problem.world]
    answer = world.answer(problem).write(world.truth(problem))
    return f"{world.narrate(problem)}\nAnswer: {answer}"
