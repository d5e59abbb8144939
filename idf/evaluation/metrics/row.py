"""What is known of one response: a line of `samples.jsonl`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

_OF_EXERCISES = ("kind", "steps", "steps_right", "step_missing", "answer_right")
_OF_SOME = (*_OF_EXERCISES, "group", "answerable", "settles", "view_chance", "turns", "episode", "seconds")


@dataclass(frozen=True)
class Row:
    """A scored response.

    Attributes:
        id, world, mode, difficulty: The item and how it was shown.
        correct, error, parsed, detail, moves, optimal, official, solved_prefix: Those of `Verdict`.
        response, prompt_tokens, completion_tokens, finish_reason: Those of `Response`; tokens are None if unknown.
        sample: Which of the samples of this item, from 0.
        cluster: The problem, as a text; rows of items that pose the same problem, or images of it, share it.
        size: `World.size` of the problem: steps, moves, cubes, pushes or distance; of an exercise the actions to imagine.
        cause: None if correct, else what went wrong by replay, one of `idf.scoring.CAUSES`.
        wrong_step: The first wrong step of the response, 0 for the start; None if no step is to blame.
        cause_detail: One sentence on the cause.
        answerable: Whether what is shown decides the answer; None in a world that shows all of its scenes.
        settles: Whether the response names a view that would settle what cannot be determined; None if that is not asked.
        view_chance: How often a view drawn at random would be right there.
        turns: Of an episode (`--episodes`) what was seen and said, turn by turn; None of a single response.
        episode: Of an episode its counts, as `idf.env.Episode.information` gives them, and the number of replies.
        quote: What a language model quoted as the answer (`--parser`), and the rules then judged; None if it was not asked.
        kind, steps, steps_right, step_missing, answer_right: Of an exercise its kind, the steps that there are to state, those
            that are stated right, whether the first wrong one (`wrong_step`) is not stated at all, and whether the answer is
            right; None of a problem.
        group: The item whose image under a symmetry this one is (`Item.group`); None if the suite asks no images.
        seconds: How long the answer took, as of a person (`idf play --suite`); None if that was not measured.
    """

    id: str
    world: str
    mode: str
    difficulty: str
    correct: bool
    error: str | None
    parsed: Any
    response: str
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    moves: int | None
    optimal: int | None
    detail: str
    official: float
    sample: int = 0
    cluster: str = ""
    size: int = 0
    solved_prefix: int | None = None
    cause: str | None = None
    wrong_step: int | None = None
    cause_detail: str | None = None
    quote: str | None = None
    group: str | None = None
    answerable: bool | None = None
    settles: bool | None = None
    view_chance: float | None = None
    turns: list[dict[str, Any]] | None = None
    episode: dict[str, Any] | None = None
    kind: str | None = None
    steps: int | None = None
    steps_right: int | None = None
    step_missing: bool | None = None
    answer_right: bool | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values; `parsed` is the row's own. What only some suites or episodes know is left out elsewhere."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in told.items() if value is not None or key not in _OF_SOME}
