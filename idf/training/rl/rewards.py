"""The worlds' verdicts as a reward function of TRL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from idf.scoring import Reward, RewardRule, reward
from idf.worlds import problem_from_json


class RewardFunction:
    """What responses earn, for TRL: it calls this once a step with all responses of a rank, and logs the parts.

    Args:
        rule: The rule.
        generation_config: The model's: what ends a response.
        tokenizer: Its tokenizer.
    """

    __name__ = "reward"

    def __init__(self, rule: RewardRule, generation_config: Any, tokenizer: Any) -> None:
        self.rule = rule
        ends = generation_config.eos_token_id
        self.ends = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id, tokenizer.pad_token_id}

    def __call__(
        self,
        *,
        completions: Sequence[Sequence[dict[str, str]]],
        completion_ids: Sequence[Sequence[int]],
        problem: Sequence[str],
        log_metric: Callable[[str, float], None],
        **_: Any,
    ) -> list[float]:
        """The reward of each response.

        Args:
            completions: A message for each.
            completion_ids: Its tokens, the one that ends it included.
            problem: The problem of each, as JSON.
            log_metric: TRL's; takes means of the parts.
        """
        earned = [
            self.earned(text, said[0]["content"], ids)
            for text, said, ids in zip(problem, completions, completion_ids, strict=True)
        ]
        for part in ("right", "steps", "price"):
            log_metric(f"reward/{part}", fmean(getattr(one, part) for one in earned))
        return [one.total for one in earned]

    def earned(self, problem: str, response: str, ids: Sequence[int]) -> Reward:
        """What one response earns, with its parts."""
        ended = bool(ids) and ids[-1] in self.ends
        return reward(
            problem_from_json(json.loads(problem)),
            response,
            tokens=len(ids),
            finish_reason="stop" if ended else "length",
            rule=self.rule,
        )
