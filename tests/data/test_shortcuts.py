"""Shortcut baselines on samples that are small enough to count by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from idf.data import write_dataset
from idf.data._shortcuts import SHORTCUTS, measure_shortcuts
from tests.data.samples import plain


def measured(tmp_path: Path, metas: list[dict[str, Any]], **slot: str) -> dict[str, Any]:
    folder = write_dataset((plain(i, pictures=0, meta=m, **slot) for i, m in enumerate(metas)), tmp_path / "d", {})
    assert folder.manifest["shortcuts"] == measure_shortcuts(folder.shards)
    return folder.manifest["shortcuts"]


def meta(question: str, last: str, initial: str | None, answer: str) -> dict[str, Any]:
    return {"question": question, "actions": ["u", last], "initial": initial, "answer": answer}


def test_the_four_shortcuts_of_eight_samples(tmp_path):
    metas = [  # tables learn from the samples on the left, and are asked about those on the right
        *(meta("top?", "r", "red", "blue"), meta("top?", "r", "blue", "blue")),
        *(meta("top?", "r", "red", "blue"), meta("top?", "l", "red", "green")),
        *(meta("top?", "l", "red", "green"), meta("left?", "l", "gray", "gray")),
        *(meta("left?", "l", "red", "gray"), meta("left?", "r", "blue", "blue")),
    ]
    assert measured(tmp_path, metas) == {
        "cube_rolling": {
            "rollout": {
                "n": 8,
                "majority": 0.5,  # blue, gray, green were seen 2, 1, 1 times: "blue" is right for 1st and 4th
                "initial": round(3 / 8, 4),  # read off the start: the samples with gray and blue, twice, of all eight
                "text only": 0.5,  # "top?" is blue, "left?" gray: right for 1st and 3rd
                "last action": 1.0,  # top after r blue, top after l green, left after l gray, left after r unseen: blue
            }
        }
    }


def test_an_unseen_question_gets_the_most_frequent_answer_of_all(tmp_path):
    metas = [meta("a", "r", None, "x"), meta("b", "r", None, "x"), meta("a", "r", None, "x"), meta("b", "l", None, "y")]
    shares = measured(tmp_path, metas)["cube_rolling"]["rollout"]
    assert (shares["text only"], shares["last action"]) == (0.5, 0.5)


def test_of_answers_that_are_as_frequent_the_first_by_name_is_given(tmp_path):
    metas = [meta("a", "r", None, answer) for answer in "yxxx"]  # learnt from y and x, asked for x and x
    assert measured(tmp_path, metas)["cube_rolling"]["rollout"]["majority"] == 1.0


def test_what_cannot_be_measured_is_none_and_not_zero(tmp_path):
    shares = measured(tmp_path, [meta("a", "r", None, "x")])["cube_rolling"]["rollout"]
    assert shares == {"n": 1, "majority": None, "initial": None, "text only": None, "last action": None}


def test_samples_that_read_nothing_off_the_start_do_not_count_as_misses(tmp_path):
    metas = [meta("a", "r", "x", "x"), meta("a", "r", None, "x"), meta("a", "r", "y", "x"), meta("a", "r", None, "x")]
    assert measured(tmp_path, metas)["cube_rolling"]["rollout"]["initial"] == 0.5


def test_a_sample_without_actions_has_no_last_action(tmp_path):
    shares = measured(tmp_path, [{"question": "q", "answer": "x"}, {"question": "q", "answer": "x", "actions": []}])
    assert shares["cube_rolling"]["rollout"]["last action"] == 1.0


def test_kinds_whose_samples_name_no_answer_are_left_out(tmp_path):
    assert measured(tmp_path, [{"question": "q"}, meta("a", "r", None, "x")]) == {}


@pytest.mark.parametrize("seed", range(3))
def test_the_shares_are_those_of_a_plain_count(tmp_path, seed):
    metas = [
        meta(f"q{n * seed % 3}", "udlr"[n * n % 4], f"a{n % 2}", f"a{(n * 7 + seed) % 5 % (1 + n % 3)}")
        for n in range(101)
    ]
    shares = measured(tmp_path, metas)["cube_rolling"]["rollout"]
    seen, asked = metas[0::2], metas[1::2]
    features = {
        "majority": lambda m: (),
        "text only": lambda m: m["question"],
        "last action": lambda m: (m["question"], m["actions"][-1]),
    }
    for name, feature in features.items():
        right = 0
        for one in asked:
            answers = [other["answer"] for other in seen if feature(other) == feature(one)] or [
                m["answer"] for m in seen
            ]
            most = max(Counter(answers).values())
            right += one["answer"] == sorted(a for a, n in Counter(answers).items() if n == most)[0]
        assert shares[name] == round(right / len(asked), 4)
    assert shares["initial"] == round(sum(m["initial"] == m["answer"] for m in metas) / len(metas), 4)
    assert set(shares) == {"n", *SHORTCUTS}
