"""The oracle teacher: a world's solver, put into words. It needs no network and makes no mistakes."""

from __future__ import annotations

from typing import Any

from idf.worlds import SEARCHES, WORLDS, Problem, Rng

STYLES = ("optimal", "search")
"""A shortest plan straight away; or a search for it, with subgoals, tries that fail, and the way back."""


def oracle_response(problem: Problem[Any, Any], style: str = "optimal", rng: Rng | None = None) -> str:
    """The solver's solution as reasoning, ending in the answer line.

    Args:
        problem: The problem.
        style: One of STYLES.
        rng: What decides which tries a search makes.

    Raises:
        ValueError: A search is wanted of a world that cannot search, or without `rng`.
    """
    world = WORLDS[problem.world]
    answer = world.answer(problem).write(world.truth(problem))
    if style == "optimal":
        told = world.narrate(problem)
    elif problem.world not in SEARCHES or rng is None:
        raise ValueError(f"{problem.world} cannot search: worlds that can are {', '.join(SEARCHES)}; it needs rng, too")
    else:
        told = SEARCHES[problem.world].narrate(problem, rng)
    return f"{told}\nAnswer: {answer}"
