"""The reward as verl 0.9 and EasyR1 call it, see docs/rewards.md: `compute_score` for verl, `compute_scores` for EasyR1.

Both engines find a function by a file and a name, and load the file as a module of no package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from idf.errors import UserError
from idf.recipe import build_recipe
from idf.scoring import Reward, RewardRule, reward
from idf.worlds import Problem, problem_from_json

REWARD_NAME = "idf"
REWARD_TYPE = "batch"
"""How EasyR1 calls `compute_scores`: with all responses of a step at once."""


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any] | None = None, **rule: Any
) -> dict[str, float]:
    """What a response earns, for verl.

    verl says neither how many tokens a response has nor whether it was cut off. Where your agent loop or reward manager puts
    `completion_tokens` and `finish_reason` into `extra_info`, they are used; without them a response counts as finished, and
    a rule with a price is refused.

    Args:
        data_source: Not used: the problem names its world.
        solution_str: The text of the response.
        ground_truth: The problem: `json.dumps(idf.worlds.problem_to_json(problem))`.
        extra_info: What verl knows of the row.
        rule: Keys of `RewardRule`: what stands in `reward.custom_reward_function.reward_kwargs`.

    Returns:
        `score`, what it earns; `acc`, 1 for a right answer; `step_reward` and `token_price`, its parts.

    Raises:
        UserError: The rule or the ground truth makes no sense, or there is a price and no number of tokens.
    """
    told = extra_info or {}
    got = _reward(ground_truth, solution_str, told.get("completion_tokens"), told.get("finish_reason"), rule)
    return {"score": got.total, "acc": got.right, "step_reward": got.steps, "token_price": got.price}


def compute_scores(
    reward_inputs: Sequence[dict[str, Any]], cut_off_at: int | None = None, **rule: Any
) -> list[dict[str, float]]:
    """What the responses of a step earn, for EasyR1.

    Args:
        reward_inputs: For each, `response`, `response_length` in tokens, and `ground_truth` as for `compute_score`.
        cut_off_at: Set it to `data.max_response_length`: a response of so many tokens counts as cut off and earns nothing.
            EasyR1 does not say which were; None takes all for finished.
        rule: Keys of `RewardRule`: what stands in `worker.reward.reward_function_kwargs`.

    Returns:
        For each, `overall`, what it earns; `accuracy`, 1 for a right answer; `step_reward` and `token_price`, its parts.

    Raises:
        UserError: The rule or a ground truth makes no sense.
    """
    scores = []
    for one in reward_inputs:
        tokens = one["response_length"]
        ended = "length" if cut_off_at is not None and tokens >= cut_off_at else None
        got = _reward(one["ground_truth"], one["response"], tokens, ended, rule)
        scores.append({"overall": got.total, "accuracy": got.right, "step_reward": got.steps, "token_price": got.price})
    return scores


def _reward(
    ground_truth: str, response: str, tokens: int | None, finish_reason: str | None, keys: dict[str, Any]
) -> Reward:
    rule = build_recipe(RewardRule, keys, "the arguments of the reward function")
    if tokens is None and rule.price:
        raise UserError(
            f"price is {rule.price:g} and nobody said how many tokens the response has: put completion_tokens into extra_info "
            "(verl passes no such number by itself), or set price to 0"
        )
    return reward(_problem(ground_truth), response, tokens=tokens or 0, finish_reason=finish_reason, rule=rule)


@lru_cache(maxsize=4096)  # a problem is asked several times in a step
def _problem(ground_truth: str) -> Problem[Any, Any]:
    try:
        return problem_from_json(json.loads(ground_truth))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"a ground_truth must be json.dumps(idf.worlds.problem_to_json(problem)): {str(ground_truth)[:200]!r}: {error}"
        ) from None
