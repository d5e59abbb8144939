"""A suite asked once, in memory: what the evaluation hook of a training does."""

from __future__ import annotations

from collections.abc import Sequence

from idf.backends import Backend
from idf.suites import Item

from ..metrics.row import Row
from .answers import Answers
from .generation import ask_all, collect
from .queries import Form, Requests, all_asks
from .score import scored


def evaluate(
    items: Sequence[Item],
    modes: Sequence[str],
    backend: Backend,
    *,
    prompts: str,
    max_pixels: int,
    redraw_worlds: Sequence[str] = (),
    show: bool = True,
) -> list[Row]:
    """Ask every item in every mode once, keep the answers in memory, and score them.

    Args:
        items: The items.
        modes: What the model is shown.
        backend: Who answers.
        prompts: The prompt set.
        max_pixels: Largest picture; larger ones are made smaller, the same way for every backend.
        redraw_worlds: Worlds whose pictures are drawn from the state, even if there is a file.
        show: Whether to show a progress bar.

    Returns:
        Rows in the order of modes, then items.
    """
    asks = all_asks(items, modes)
    requests = Requests(asks, Form(prompts, max_pixels, frozenset(redraw_worlds)))
    keys, answers = [str(i) for i in range(len(asks))], Answers()
    ask_all(requests, keys, answers, backend, show=show)
    return [scored(ask, response) for ask, response in zip(asks, collect(keys, answers), strict=True)]
