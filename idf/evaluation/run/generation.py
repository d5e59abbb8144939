"""The loop that asks: whatever is not answered yet, in batches that do not depend on what is."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from idf.backends import Backend, Response, answered

from .answers import Answers
from .queries import Requests


def ask_all(
    requests: Requests,
    keys: Sequence[str],
    answers: Answers,
    backend: Backend,
    *,
    lengths: Sequence[int],
    share: tuple[int, int] = (0, 1),
    show: bool = True,
) -> None:
    """Ask what has no answer yet.

    If the backend has batches, they depend on nothing but the whole list: rounding, and so every answer, is the same for a run
    that was killed and for any number of workers. A batch of which an answer is missing is asked again as a whole, and the
    answers that were there stay.

    Args:
        requests: Everything that is wanted.
        keys: The key of each answer.
        answers: What is known; what comes is added.
        backend: Who answers.
        lengths: Tokens of each prompt.
        share: (i, n): only the i-th share of n, for one of n workers.
        show: Whether to show a progress bar.

    Raises:
        UserError: As the backend's. Everything that came before is in `answers`.
    """
    part, parts = share
    batches = backend.batches(lengths)
    if batches is None:
        groups = [[i for i in range(part, len(requests), parts) if answers.lacks(keys[i])]]
    else:
        groups = batches[part::parts]
    with tqdm(total=sum(map(len, groups)), unit=" answers", disable=not show, mininterval=1) as bar:
        for group in groups:
            if not any(answers.lacks(keys[i]) for i in group):
                bar.update(len(group))
                continue
            for at, response in answered(backend, Requests([requests.asks[i] for i in group], requests.form)):
                answers.add(keys[group[at]], response)
                bar.update()


def missing(keys: Sequence[str], answers: Answers) -> int:
    """How many keys have neither an answer nor a failure."""
    return sum(answers.get(key) is None for key in keys)


def collect(keys: Sequence[str], answers: Answers) -> list[Response]:
    """The responses of all keys; what was never asked is a failure that says so."""
    none = Response("", finish_reason="error", error="never asked")
    return [answers.get(key) or none for key in keys]
