"""What of a walk a response has right."""

from __future__ import annotations

import pytest

from bench.study.walks import counted, table
from idf.data import Sample, conversation

TRUTH = "Start: a\n1. right: b\n2. front: c\n3. left: d\nEnd: d\nAnswer: d"


@pytest.mark.parametrize(
    ("response", "steps", "answer"),
    [
        (TRUTH, 3, 1),
        (TRUTH.replace("front: c", "front: x"), 2, 1),
        (TRUTH.replace("Answer: d", "Answer: b"), 3, 0),
        (TRUTH.replace("1. right: b\n", ""), 0, 1),  # nothing stands in its place
        ("Start: a\n1. right: b", 1, 0),
        ("", 0, 0),
    ],
)
def test_a_step_counts_if_its_line_is_the_true_one_in_its_place(response, steps, answer):
    walk = Sample("a", "cube_rolling", "easy", "rollout", [], conversation("?", TRUTH, with_picture=False), {})
    assert counted(walk, response) == {
        "walks": 1,
        "steps": 3,
        "steps_right": steps,
        "all_right": int(steps == 3),
        "answers_right": answer,
    }


def test_the_table_pools_seeds():
    worlds = {"a": {"walks": 2, "steps": 4, "steps_right": 1, "answers_right": 2}}
    runs = {str(seed): {"arm": "imagery", "budget": 250, "seed": seed, "worlds": worlds} for seed in (1, 2)}
    assert table(runs).splitlines()[-1] == "| imagery | 250 | 2 | 25.0%, 100.0% |"
