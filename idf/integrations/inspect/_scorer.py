"""Scoring for inspect_ai: our verdict, and an interval that holds for small cells."""

from __future__ import annotations

from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    accuracy,
    grouped,
    metric,
    scorer,
    value_to_float,
)
from inspect_ai.solver import TaskState

from idf.evaluation import wilson as wilson_interval

from .._documents import judge

_GROUPS = ("difficulty", "world")
_LENGTH = ("max_tokens", "model_length")  # how inspect_ai calls an answer that was cut off


@metric
def wilson() -> Metric:
    """The 95 % interval of the accuracy by Wilson, which stays within 0 and 1 and is right for small numbers too."""
    to_float = value_to_float()

    def interval(scores: list[SampleScore]) -> dict[str, float]:
        if not scores:
            return {"wilson95_low": 0.0, "wilson95_high": 1.0}  # nothing is known yet
        # With several epochs a score is a mean of them, and their sum is rounded to whole items.
        low, high = wilson_interval(round(sum(to_float(item.score.value) for item in scores)), len(scores))
        return {"wilson95_low": low, "wilson95_high": high}

    return interval


@scorer(metrics=[accuracy(), wilson(), *(grouped(accuracy(), key, all=False) for key in _GROUPS)])
def replay() -> Scorer:
    """The final answer is parsed by rule and judged in the problem's world. No answer of a model is left out."""

    async def judged(state: TaskState, target: Target) -> Score:
        length = state.output.stop_reason in _LENGTH
        verdict = judge(state.metadata["problem"], state.output.completion, "length" if length else None)
        usage = state.output.usage
        return Score(
            value=CORRECT if verdict.correct else INCORRECT,
            answer=None if verdict.parsed is None else str(verdict.parsed),
            explanation=verdict.detail,
            metadata={
                "error_class": verdict.error,
                "moves": verdict.moves,
                "optimal": verdict.optimal,
                "stop": state.output.stop_reason,
                "tokens": None if usage is None else usage.output_tokens,
            },
        )

    return judged


@scorer(metrics=[accuracy(), wilson(), *(grouped(accuracy(), key, all=False) for key in _GROUPS)])
def solved() -> Scorer:
    """Whether an episode was solved: its reward, and its counts. One that inspect_ai cut off was not."""

    async def judged(state: TaskState, target: Target) -> Score:
        told = state.metadata.get("episode", {"reward": 0.0, "end": None})
        return Score(value=CORRECT if told["reward"] == 1 else INCORRECT, answer=told["end"], metadata=told)

    return judged
