"""From outcomes to numbers and tables, on a study made up by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.study import EVERY, Study, highlights, read_study, summarize, tables
from bench.study._outcome import Answered
from bench.study._page import BEGIN, END, with_results

ROOT = Path(__file__).parents[2]
ITEMS = [{"id": f"{world}:{n}", "world": world, "steps": 1 + n // 20} for world in ("a", "b") for n in range(40)]


def answered(right: list[int], lucky: tuple[int, ...] = (), tokens: int = 10) -> Answered:
    """Answers that are right at some places, at some of them with a wrong step on the way."""
    steps = [item["steps"] for item in ITEMS]
    return Answered(
        causes="".join("." if place in right else "t" for place in range(len(ITEMS))),
        tokens=[tokens] * len(ITEMS),
        right=[steps[p] if p in right and p not in lucky else 0 for p in range(len(ITEMS))],
        steps=steps,
    )


def study(seeds: list[int], planned: list[int]) -> Study:
    """Two arms, one budget: the base is right nowhere, the other one on the first 30 items of "a", and on one more a seed."""
    arms = {"traces_same_updates": {"6": "traces-6"}, "imagery_then_traces": {"6": "imagery-4-then-2"}}
    recipe = {
        "name": "made up",
        "claims": True,
        "seeds": planned,
        "modes": ["tqa"],
        "comparisons": [["traces_same_updates", "imagery_then_traces"]],
    }
    then = {str(s): {"tqa": answered([*range(30), 40 + s], lucky=(0, 1, 2))} for s in seeds}
    return Study(
        {"recipe": recipe, "arms": arms},
        ITEMS,
        {"traces-6": {str(s): {"tqa": answered([])} for s in seeds}, "imagery-4-then-2": then},
        {run: {str(s): {"updates": 6, "label_tokens": 60} for s in seeds} for run in ("traces-6", "imagery-4-then-2")},
        {"a": {"tqa": {"initial": 0.5, "random": 0.1}}, "b": {"tqa": {"initial": 0.0, "random": 0.2}}},
    )


def cell(summary: dict[str, Any], world: str) -> dict[str, Any]:
    return next(c for c in summary["cells"] if c["arm"] == "imagery_then_traces" and c["world"] == world)


def test_numbers_are_those_counted_by_hand():
    summary = summarize(study([1, 2, 3], [1, 2, 3]))
    of_a, both = cell(summary, "a"), cell(summary, EVERY)
    assert of_a["accuracy"]["mean"] == 30 / 40
    assert both["accuracy"]["mean"] == pytest.approx(31 / 80)
    assert of_a["right_and_imagined"]["mean"] == 27 / 40
    assert of_a["steps_right"]["mean"] == 27 / 40
    assert both["tokens_per_correct"] == pytest.approx(80 * 10 / 31)
    assert both["causes"]["transformation"] == 3 * 49
    assert of_a["by_size"] == {
        "1": {"items": 20, "n": 60, "correct": 60, "seeds": [20, 20, 20]},
        "2": {"items": 20, "n": 60, "correct": 30, "seeds": [10, 10, 10]},
    }


def test_arms_are_compared_in_accuracy_and_beside_it_in_the_steps():
    (found,) = summarize(study([1, 2, 3], [1, 2, 3]))["comparisons"]
    (mean,) = found["means"]
    assert mean["difference"]["mean"] == pytest.approx(31 / 80)
    assert mean["difference"]["seeds"] == pytest.approx([31 / 80] * 3)
    assert [row["world"] for row in found["tasks"]] == ["a", "b"]
    assert max(row["p_holm"] for row in found["tasks"]) >= found["tasks"][1]["difference"]["p"]
    (imagined,) = found["secondary"]["right_and_imagined"]["means"]
    assert imagined["difference"]["mean"] == pytest.approx(28 / 80)


def test_before_the_last_seed_nothing_is_tested():
    summary = summarize(study([1, 2], [1, 2, 3]))
    rows = [row for one in summary["comparisons"] for family in ("means", "tasks") for row in one[family]]
    assert {row["p_holm"] for row in rows} == {row["difference"]["p"] for row in rows} == {None}
    text = tables(summary)
    assert (
        "**2 of 3 seeds so far (1, 2): the study is not finished.** Of so few seeds the intervals are too narrow."
        in text
    )
    assert "not tested before the last seed" in text
    assert "after Holm" not in text


@pytest.mark.parametrize(("swapped", "word"), [(False, "**better**, +38.8 points"), (True, "**worse**, -38.8 points")])
def test_the_answer_to_the_question_is_said_by_the_rule(swapped, word):
    made = study([1, 2, 3], [1, 2, 3])
    if swapped:
        made.plan["arms"] |= {
            "traces_same_updates": {"6": "imagery-4-then-2"},
            "imagery_then_traces": {"6": "traces-6"},
        }
    text = tables(summarize(made))
    assert f"- 6 updates, tqa: {word}" in text
    assert "after Holm; by seed" in text


def test_where_nothing_differs_no_difference_is_shown_and_the_interval_says_what_is_ruled_out():
    made = study([1, 2, 3], [1, 2, 3])
    made.plan["arms"]["traces_same_updates"] = made.plan["arms"]["imagery_then_traces"]
    text = tables(summarize(made))
    assert "**no difference shown**, +0.0 points (-" in text


def test_tables_show_the_floor_and_keep_silent_on_tokens_for_few_right_answers():
    text = tables(summarize(study([1, 2, 3], [1, 2, 3])))
    assert "| (the better of the two) | - | - | - | 50.0% | 20.0% | 35.0% |" in text
    tokens = text.split("## Tokens for each right answer")[1].split("##")[0]
    assert "| imagery, then traces | 6 | 13 | - | 26 |" in tokens, "three right answers in b are too few"


def test_results_stand_between_the_marks_of_a_page_and_nothing_else_changes():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    text = highlights(summarize(study([1, 2, 3], [1, 2, 3])))
    assert with_results(page, text) == f"before\n{BEGIN}\n{text}\n{END}\nafter\n"
    assert with_results(with_results(page, "x"), text) == with_results(page, text)
    with pytest.raises(SystemExit, match="lacks the marks"):
        with_results("a page", text)


def test_the_page_of_the_study_says_what_the_committed_results_say():
    page = (ROOT / "docs/study.md").read_text()
    told = page.partition(BEGIN)[2].partition(END)[0].strip()
    summary = json.loads((ROOT / "bench/results/study/summary.json").read_text())
    assert told == highlights(summary)
    assert (ROOT / "docs/study/tables.md").read_text() == tables(summary)


def test_the_committed_summary_is_what_the_committed_outcomes_come_to():
    folder = ROOT / "bench/results/study"
    told, counted = flat(json.loads((folder / "summary.json").read_text())), flat(summarize(read_study(folder)))
    assert told == pytest.approx(counted, abs=1e-9)  # another numpy may add in another order


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Path -> what stands there, of nested objects and lists."""
    if not isinstance(value, (dict, list, tuple)):
        return {path: value}
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = {path: len(value)}
    for name, inner in pairs:
        found |= flat(inner, f"{path}/{name}")
    return found
