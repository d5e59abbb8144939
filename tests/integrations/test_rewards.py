"""The reward as verl and EasyR1 find and call it, and the rows that they train on."""

from __future__ import annotations

import importlib.util
import io
import json
import re
from collections import Counter
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

import idf
from idf.integrations import reward_rows, rewards
from idf.integrations.reward_rows import ENGINES, write_reward_rows
from idf.scoring import start_answers
from idf.suites import prompt_text
from idf.traces import TracesRecipe, build_traces
from idf.worlds import problem_from_json, problem_to_json
from tests.data.samples import PIXELS
from tests.sentences import refused

PAGE = Path(__file__).parents[2] / "docs/rewards.md"
PROBLEM = idf.problem("cube_rolling", seed=1)
TRUTH = json.dumps(problem_to_json(PROBLEM.scene))
RIGHT = PROBLEM.solution
FALSE = RIGHT.replace(f"Answer: {PROBLEM.answer}", "Answer: " + ("red" if PROBLEM.answer != "red" else "blue"))


def loaded(name: str) -> ModuleType:
    """The module from its file alone, as both engines load it, outside of its package."""
    spec = importlib.util.spec_from_file_location(name, rewards.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_verl_calls(response: str, extra_info: dict[str, Any], **reward_kwargs: Any) -> dict[str, float]:
    """As `verl.experimental.reward_loop.reward_manager.naive` of verl 0.9.1 does, with what it puts into `extra_info`."""
    function = partial(loaded("custom_module_7").compute_score, **reward_kwargs)
    extra_info |= {"num_turns": None, "rollout_reward_scores": {}}
    got = function(data_source="idf/cube_rolling", solution_str=response, ground_truth=TRUTH, extra_info=extra_info)
    assert all(type(value) is float for value in got.values()), "its tables are of numbers"
    return got


def as_easyr1_calls(*responses: tuple[str, int], **reward_function_kwargs: Any) -> list[dict[str, float]]:
    """As EasyR1's `AutoRewardManager.compute_reward_batch` does."""
    module = loaded("custom_reward_fn")
    assert module.REWARD_TYPE == "batch"
    inputs = [{"response": text, "response_length": tokens, "ground_truth": TRUTH} for text, tokens in responses]
    return partial(module.compute_scores, **reward_function_kwargs)(inputs)


# --- verl -----------------------------------------------------------------------------------------------------------


def test_verl_gets_the_reward_and_its_parts():
    assert as_verl_calls(RIGHT, {"index": 0}) == {"score": 1, "acc": 1, "step_reward": 0, "token_price": 0}
    false = as_verl_calls(FALSE, {})
    assert false == {"score": 0.2, "acc": 0, "step_reward": 0.2, "token_price": 0}
    assert as_verl_calls(FALSE, {}, step_credit=0.1)["score"] == pytest.approx(0.1)
    assert as_verl_calls("", {}) == {"score": 0, "acc": 0, "step_reward": 0, "token_price": 0}


def test_a_price_needs_the_tokens_that_verl_does_not_pass():
    rule = {"price": 0.4, "max_tokens": 200}
    for response in (RIGHT, FALSE):
        with refused("price", "0.4", "completion_tokens", "extra_info"):
            as_verl_calls(response, {"index": 0}, **rule)
    got = as_verl_calls(RIGHT, {"completion_tokens": 50}, **rule)
    assert (got["score"], got["token_price"]) == pytest.approx((0.9, 0.1))
    assert as_verl_calls(RIGHT, {"completion_tokens": 50, "finish_reason": "length"}, **rule)["score"] == 0
    assert rewards.compute_score("idf", RIGHT, TRUTH)["score"] == 1, "extra_info may be left out"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"step_credits": 0.1}, ("step_credits", "step_credit")),
        ({"step_credit": 0.5}, ("step_credit", "below 0.5")),
        ({"price": "much"}, ("price", "much")),
    ],
)
def test_a_wrong_key_of_the_rule_is_named(keys, said):
    with refused(*said):
        as_verl_calls(RIGHT, {}, **keys)
    with refused(*said):
        as_easyr1_calls((RIGHT, 10), **keys)


@pytest.mark.parametrize("truth", ["red", "{}", '{"world": "cube_rolling"}', "[]", None, 7])
def test_a_ground_truth_that_is_no_problem_is_refused(truth):
    with refused("ground_truth", "problem_to_json"):
        rewards.compute_score("idf", RIGHT, truth)


@pytest.mark.skipif(importlib.util.find_spec("verl") is None, reason="verl is not installed: pip install verl==0.9.1")
@pytest.mark.parametrize("path", ["pkg://idf.integrations.rewards", rewards.__file__])
def test_verl_itself_finds_and_calls_it(path):
    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.trainer.ppo.reward import load_reward_manager

    class Letters:
        def decode(self, ids: Any, skip_special_tokens: bool = True) -> str:
            return bytes(ids.tolist()).decode()

    custom = {"path": path, "name": "compute_score", "reward_kwargs": {"step_credit": 0.1}}
    naive = {"source": "register", "name": "naive"}
    config = OmegaConf.create({"reward": {"custom_reward_function": custom, "reward_manager": naive}})
    manager = load_reward_manager(config, Letters())
    for text, score in ((RIGHT, 1.0), (FALSE, 0.1)):
        ids = torch.tensor([[*text.encode(), 0, 0]])
        mask = torch.tensor([[1] * (ids.shape[1] + 2) + [0, 0]])
        row = {
            "data_source": "idf",
            "reward_model": {"style": "rule", "ground_truth": TRUTH},
            "extra_info": {"index": 0},
        }
        columns = {name: np.array([value], dtype=object) for name, value in row.items()}
        tensors = {"prompts": torch.zeros(1, 4).long(), "responses": ids, "attention_mask": mask}
        got = manager.loop.run_until_complete(manager.run_single(DataProto.from_dict(tensors, columns)))
        assert got["reward_score"] == pytest.approx(score)
        assert got["reward_extra_info"]["acc"] == float(text == RIGHT)


# --- EasyR1 ---------------------------------------------------------------------------------------------------------


def test_easyr1_gets_the_rewards_of_a_step_in_its_order():
    rule = {"price": 0.4, "max_tokens": 200}
    got = as_easyr1_calls((RIGHT, 50), (FALSE, 50), ("", 1), (RIGHT, 400), **rule)
    assert [one["overall"] for one in got] == pytest.approx([0.9, 0.2, 0, 0.6])
    assert [one["accuracy"] for one in got] == [1, 0, 0, 1]
    assert [one["step_reward"] for one in got] == pytest.approx([0, 0.2, 0, 0])
    assert [one["token_price"] for one in got] == pytest.approx([0.1, 0, 0, 0.4])
    assert as_easyr1_calls() == []


def test_easyr1_is_told_at_which_length_a_response_was_cut_off():
    assert [one["overall"] for one in as_easyr1_calls((RIGHT, 99), (RIGHT, 100), cut_off_at=100)] == [1, 0]


# --- rows -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = TracesRecipe(problems=30, seed=2, max_pixels=PIXELS)
    return build_traces(recipe, tmp_path_factory.mktemp("data") / "d").path


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_hold_each_question_whose_start_does_not_answer_it(tmp_path, data, engine):
    from idf.data import open_dataset

    samples = list(open_dataset(data, "idf traces").samples())
    out = tmp_path / "rows.parquet"
    counts = write_reward_rows(data, out, engine)
    rows = pq.read_table(out).to_pylist()
    assert len(rows) == counts.written > counts.answered > 0
    assert sum(counts) == len(samples)
    asked = iter([s for s in samples if not start_answers(problem_from_json(s.meta["problem"]))])
    seen = Counter[str]()
    for number, row in enumerate(rows):
        sample = next(asked)
        truth = row["answer"] if engine == "easyr1" else row["reward_model"]["ground_truth"]
        prompt = row["problem"] if engine == "easyr1" else row["prompt"][0]["content"]
        problem = problem_from_json(json.loads(truth))
        assert prompt.count("<image>") == len(row["images"]) == len(sample.images)
        assert prompt.replace("<image>", "") == prompt_text(problem, sample.meta["mode"], sample.meta["prompts"])
        assert [one["bytes"] for one in row["images"]] == sample.images
        for one in row["images"]:
            Image.open(io.BytesIO(one["bytes"])).verify()
        if engine == "verl":
            assert row["prompt"][0]["role"] == "user"
            assert row["data_source"] == f"idf/{problem.world}"
            assert row["extra_info"] == {"index": number, "id": sample.id, "difficulty": problem.difficulty}
        response = f"Answer: {idf.Problem(problem).answer}"
        assert rewards.compute_score("", response, truth)["score"] == 1
        seen[sample.meta["mode"]] += 1
    assert len(seen) > 1


def test_the_same_question_is_asked_once(tmp_path, data, monkeypatch):
    from idf.data import open_dataset

    found = open_dataset(data, "idf traces")
    samples = list(found.samples())

    class Twice:
        def samples(self) -> Any:
            return iter([*samples, *samples])

        def __len__(self) -> int:
            return 2 * len(samples)

    once = write_reward_rows(data, tmp_path / "once.parquet", "verl")
    monkeypatch.setattr(reward_rows, "open_dataset", lambda *_: Twice())
    twice = write_reward_rows(data, tmp_path / "twice.parquet", "verl")
    assert (once.repeated, twice.repeated) == (0, len(samples))
    assert (tmp_path / "once.parquet").read_bytes() == (tmp_path / "twice.parquet").read_bytes()


def test_what_cannot_be_written_is_refused(tmp_path, data):
    with refused("engine", "'trl'", "verl", "easyr1"):
        write_reward_rows(data, tmp_path / "rows.parquet", "trl")
    (tmp_path / "there.parquet").touch()
    with refused(tmp_path / "there.parquet", "there already"):
        write_reward_rows(data, tmp_path / "there.parquet", "verl")
    with refused(tmp_path, "idf traces"):
        write_reward_rows(tmp_path, tmp_path / "rows.parquet", "verl")


# --- the page -------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    """The blocks of the page that are fenced as a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.M | re.S)


def test_the_rows_on_the_page_are_rows_and_earn_what_it_says():
    verl, scored, easyr1, overall = map(json.loads, blocks("json"))
    for engine, row in (("verl", verl), ("easyr1", easyr1)):
        assert list(row) == reward_rows._SCHEMAS[engine].names
    right, false = blocks("text")
    truth = verl["reward_model"]["ground_truth"]
    assert easyr1["answer"] == truth
    problem = idf.problem("cube_rolling", seed=1)
    assert truth == json.dumps(problem_to_json(problem.scene))
    assert verl["prompt"][0]["content"] == easyr1["problem"] == problem.text
    responses = [text.removesuffix("\n") for text in (right, false)]
    assert responses[0] == problem.solution
    got = [rewards.compute_score(verl["data_source"], text, truth, extra_info=verl["extra_info"]) for text in responses]
    assert got == scored
    inputs = [{"response": text, "response_length": 90, "ground_truth": truth} for text in responses]
    assert rewards.compute_scores(inputs, price=0.2, max_tokens=900) == overall
