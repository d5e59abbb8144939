"""The oracle teacher: a world's solver, put into words. It needs no network and makes no mistakes."""

from __future__ import annotations

from typing import Any

from idf.worlds import LENGTHS, SEARCHES, WORLDS, Problem, Rng, Told, tell, telling_of

STYLES = ("optimal", "search")
"""A shortest plan straight away; or a search for it, with subgoals, tries that fail, and the way back."""


def oracle_response(
    problem: Problem[Any, Any], style: str = "optimal", rng: Rng | None = None, length: str = LENGTHS[0]
) -> str:
    """The solver's solution as reasoning, ending in the answer line; as `oracle_trace`."""
    return oracle_trace(problem, style, rng, length).text


def oracle_trace(
    problem: Problem[Any, Any], style: str = "optimal", rng: Rng | None = None, length: str = LENGTHS[0]
) -> Told:
    """The solver's solution as reasoning, ending in the answer line, and the length in which it is told.

    Args:
        problem: The problem.
        style: One of STYLES.
        rng: What decides which tries a search makes.
        length: One of `idf.worlds.LENGTHS`; what cannot be told in it is told in the next longer one.

    Raises:
        ValueError: A search is wanted of a world that cannot search, without `rng`, or in another length than in full; or
            the length is unknown.
    """
    world = WORLDS[problem.world]
    if style == "optimal":
        told = tell(telling_of(world), problem, length)
    elif problem.world not in SEARCHES or rng is None:
        raise ValueError(f"{problem.world} cannot search: worlds that can are {', '.join(SEARCHES)}; it needs rng, too")
    elif length != LENGTHS[0]:
        raise ValueError(f"a search is told in {LENGTHS[0]} alone, not in {length!r}")
    else:
        told = Told(SEARCHES[problem.world].narrate(problem, rng), length)
    answer = world.answer(problem).write(world.truth(problem))
    return told._replace(text=f"{told.text}\nAnswer: {answer}")
