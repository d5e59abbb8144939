"""What is known of one response: a line of `samples.jsonl`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A scored response.

    Attributes:
        id, world, mode, difficulty: The item and how it was shown.
        correct, error, parsed, detail, moves, optimal, official, solved_prefix: Those of `Verdict`.
        response, prompt_tokens, completion_tokens, finish_reason: Those of `Response`; tokens are None if unknown.
        sample: Which of the samples of this item, from 0.
        cluster: The problem, as a text; rows of items that pose the same problem share it.
        size: `World.size` of the problem: steps, moves, cubes, pushes or distance.
        cause: None if correct, else what went wrong by replay, one of `idf.scoring.CAUSES`.
        wrong_step: The first wrong step of the response, 0 for the start; None if no step is to blame.
        cause_detail: One sentence on the cause.
        turns: Of an episode (`--episodes`) what was seen and said, turn by turn; None of a single response.
        episode: Of an episode its counts, as `idf.env.Episode.information` gives them, and the number of replies.
        quote: What a language model quoted as the answer (`--parser`), and the rules then judged; None if it was not asked.
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
    turns: list[dict[str, Any]] | None = None
    episode: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values; what an episode alone has is left out of other rows."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value is not None or name not in ("turns", "episode")}
