"""`idf-eval` on exercises, from end to end: what is counted, written and refused; the page; judged again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import EvaluationRecipe, rescore, run_evaluation
from idf.evaluation.report.exercises import exercise_lines, first_wrong_text
from idf.evaluation.run.rescore import Rescoring
from idf.suites import Item, read_suite
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import line_that_says, refused, says

STEP = re.compile(r"^(2\. [^:\n]+): .+$", re.MULTILINE)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exercises") / "s"
    keys = ("kinds=[rollout,step]", "worlds=[cube_rolling,moving_box]", "difficulties=[medium]", "max_pixels=3136")
    assert run("suite", "--out", folder, "--items", 3, *keys) == 0
    return folder


def stored(suite: Path, path: Path, spoil: Any = lambda item, text: text, mode: str = "tqa") -> Path:
    """The true responses, spoiled or left out."""
    said = {item.id: spoil(item, item.exercise.response) for item in read_suite(suite)}
    lines = [{"id": id, "mode": mode, "response": text} for id, text in said.items() if text is not None]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


def rows(out: Path) -> dict[str, dict[str, Any]]:
    lines = (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def second_step_spoiled(item: Item, text: str) -> str | None:
    """Cube Rolling's second step states the colours backwards; one exercise of Moving Box has no response."""
    if item.id == "moving_box:medium:step:0":
        return None
    if item.world != "cube_rolling" or item.exercise.kind != "rollout":
        return text
    return STEP.sub(lambda said: f"{said[1]}: {' '.join(reversed(said[0].split(': ')[1].split()))}", text)


def test_the_truth_is_all_right_and_every_place_says_so(suite, tmp_path, capsys):
    assert evaluate("--responses", stored(suite, tmp_path / "r.jsonl"), "--suite", suite, "--out", tmp_path / "o") == 0
    said = capsys.readouterr().out
    line_that_says(said, "cube_rolling", "tqa", "rollout", 3, "100.0%")
    line_that_says(said, "mean over worlds", "tqa", "all", 12, "100.0%")
    told = results(tmp_path / "o")
    assert told["macro_accuracy"] == {"tqa": 1.0}
    cell = told["exercises"]["cube_rolling"]["tqa"]["rollout"]
    assert (cell["n"], cell["all_right"], cell["answer_right"], cell["steps_right"]) == (3, 1.0, 1.0, 1.0)
    assert (cell["first_wrong"], cell["missing"]) == ({}, 0)
    assert cell["steps"] == sum(
        row["steps"] for row in rows(tmp_path / "o").values() if row["kind"] == "rollout"
    ) - sum(
        row["steps"]
        for id, row in rows(tmp_path / "o").items()
        if id.startswith("moving_box") and row["kind"] == "rollout"
    )
    for name in ("report.md", "report.html"):
        says((tmp_path / "o" / name).read_text(), "Exercises", "steps right", "first wrong step")


def test_a_spoiled_step_and_a_missing_response_are_found_where_they_are(suite, tmp_path, capsys):
    responses = stored(suite, tmp_path / "r.jsonl", second_step_spoiled)
    assert evaluate("--responses", responses, "--suite", suite, "--out", tmp_path / "o") == 0
    line_that_says(capsys.readouterr().out, "1 of 12", "no response")
    told, found = results(tmp_path / "o")["exercises"], rows(tmp_path / "o")
    cell = told["cube_rolling"]["tqa"]["rollout"]
    assert (cell["all_right"], cell["answer_right"], cell["first_wrong"], cell["missing"]) == (0.0, 1.0, {"2": 3}, 0)
    assert cell["steps_right"] == pytest.approx((cell["steps"] - 3) / cell["steps"])
    low, high = cell["steps_right95"]
    assert low < cell["steps_right"] < high
    spoiled = found["cube_rolling:medium:rollout:0"]
    assert (spoiled["correct"], spoiled["error"], spoiled["cause"], spoiled["wrong_step"]) == (
        *(False, "wrong", "transformation", 2),
    )
    assert spoiled["steps_right"] == spoiled["steps"] - 1
    says(spoiled["detail"], "step 2", "stated", "true")
    absent = found["moving_box:medium:step:0"]
    assert (absent["error"], absent["steps_right"], absent["step_missing"], absent["wrong_step"]) == (
        "empty",
        0,
        True,
        1,
    )
    assert told["moving_box"]["tqa"]["step"]["missing"] == 1


def test_rows_of_problems_have_no_word_of_exercises(tmp_path):
    folder = tmp_path / "s"
    keys = ("worlds=[cube_rolling]", "difficulties=[easy]", "max_pixels=3136")
    assert run("suite", "--out", folder, "--items", 1, *keys) == 0
    assert evaluate("--baseline", "oracle", "--suite", folder, "--out", tmp_path / "o") == 0
    (row,) = rows(tmp_path / "o").values()
    assert not {"kind", "steps", "steps_right", "step_missing", "answer_right"} & set(row)
    assert "exercises" not in results(tmp_path / "o")


def test_judged_again_nothing_changes_and_two_runs_are_compared(suite, tmp_path, capsys):
    for name, spoil in (("a", second_step_spoiled), ("b", lambda item, text: text)):
        responses = stored(suite, tmp_path / f"{name}.jsonl", spoil)
        assert evaluate("--responses", responses, "--suite", suite, "--out", tmp_path / name) == 0
    before = rows(tmp_path / "a")
    rescore(Rescoring(tmp_path / "a", out=tmp_path / "again"), say=lambda text: None)
    assert rows(tmp_path / "again") == before
    assert results(tmp_path / "again")["exercises"] == results(tmp_path / "a")["exercises"]
    capsys.readouterr()
    assert run("compare", tmp_path / "a", tmp_path / "b") == 0
    line_that_says(capsys.readouterr().out, "cube_rolling", "tqa", 6, "50.0%", "100.0%")


def test_the_page_shows_the_question_of_stage_1_and_the_replay(suite):
    from idf.backends import Response
    from idf.evaluation.report.details import item_details, row_details
    from idf.evaluation.run.queries import Ask
    from idf.evaluation.run.score import scored

    item = next(item for item in read_suite(suite) if item.id == "cube_rolling:medium:rollout:0")
    about = item_details(item, ["tqa"], None, True)
    assert about["questions"]["tqa"] == (item.exercise.prompts["long"]["tqa"], "")
    assert len(about["states"]) == item.exercise.steps + 1
    assert about["picture"].startswith("data:image/png")
    row = scored(Ask(item, "tqa"), Response(second_step_spoiled(item, item.exercise.response)))
    replay = row_details(row, item.task)["replay"]
    assert (replay["first"], replay["along"]) == (2, "course")
    assert replay["claims"][1] == (True, "")
    assert replay["claims"][2][0] is False
    step = next(item for item in read_suite(suite) if item.exercise.kind == "step")
    assert row_details(scored(Ask(step, "tqa"), Response(step.exercise.response)), step.task)["replay"]["first"] is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseline": "random"}, ("--baseline random", "oracle", "initial")),
        ({"baseline": "oracle", "episodes": True}, ("--episodes", "exercise", "rollout")),
        ({"checkpoint": "here", "held_out": True, "backend": "openai"}, ("--held-out", "exercise", "rollout")),
        ({"checkpoint": "here", "prompts": "idf-held-long-1", "backend": "openai"}, ("exercise", "idf-long-1")),
    ],
)
def test_what_goes_with_problems_alone_is_refused_in_a_sentence(changes, said, suite, tmp_path):
    with refused(*said):
        run_evaluation(EvaluationRecipe.of(suite=str(suite), **changes), tmp_path / "o", show=False)


def test_a_mode_that_a_kind_is_not_shown_in_is_refused(tmp_path, capsys):
    folder = tmp_path / "s"
    keys = ("kinds=[reading]", "worlds=[wood_slide]", "difficulties=[easy]", "max_pixels=3136")
    assert run("suite", "--out", folder, "--items", 1, *keys) == 0
    assert evaluate("--baseline", "oracle", "--suite", folder, "--modes", "vqa", "--out", tmp_path / "o") == 0
    capsys.readouterr()
    assert evaluate("--baseline", "oracle", "--suite", folder, "--out", tmp_path / "p") == 1
    says(one_sentence(capsys, "idf-eval"), "reading", "vqa", "vtqa")


def test_other_commands_take_exercises_or_say_that_they_do_not(suite, tmp_path, capsys):
    assert run("gallery", suite, "--out", tmp_path / "g.html", "--limit", 3) == 0
    page = (tmp_path / "g.html").read_text()
    says(page, "rollout", "Start:", "1.")
    assert run("prompts", suite, "--out", tmp_path / "p", "--modes", "tqa") == 0
    lines = [json.loads(line) for line in (tmp_path / "p" / "prompts.jsonl").read_text().splitlines()]
    asked = {item.id: item.exercise.prompts["long"]["tqa"] for item in read_suite(suite)}
    assert {line["id"]: line["messages"][0]["content"][0]["text"] for line in lines} == asked
    capsys.readouterr()
    for words in (("verify", suite), ("hub-layout", suite, "--out", tmp_path / "h")):
        assert run(*words) == 1
        said = one_sentence(capsys, "idf")
        says(said, "suite")
    assert not (tmp_path / "h").exists()


def test_few_words_say_where_the_first_wrong_step_is():
    assert first_wrong_text({}) == "-"
    assert first_wrong_text({"10": 1, "2": 3, "1": 12, "0": 1, "4": 2, "7": 5}) == "0: 1, 1: 12, 2: 3, 4: 2, later: 6"
    assert exercise_lines({}) == []


def test_a_suite_of_exercises_is_found_where_it_lies_now(suite, tmp_path):
    assert evaluate("--responses", stored(suite, tmp_path / "r.jsonl"), "--suite", suite, "--out", tmp_path / "o") == 0
    moved = shutil.copytree(suite, tmp_path / "moved")
    lines = (moved / "items.jsonl").read_text().splitlines()
    (moved / "items.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    with refused("moving_box:medium:step:2", moved):
        rescore(Rescoring(tmp_path / "o", suite=str(moved), out=tmp_path / "again"), say=lambda text: None)


def test_a_way_to_a_goal_is_judged_as_that_of_a_problem_and_its_steps_beside(tmp_path):
    folder = tmp_path / "s"
    keys = ("kinds=[goal]", "worlds=[moving_box]", "difficulties=[easy]", "max_pixels=3136")
    assert run("suite", "--out", folder, "--items", 3, *keys) == 0
    spoiled = {
        "moving_box:easy:goal:0": lambda text: text.replace("Answer: ", "Answer: u d "),
        "moving_box:easy:goal:1": lambda text: text.rpartition("\n")[2],
    }
    responses = stored(folder, tmp_path / "r.jsonl", lambda item, text: spoiled.get(item.id, lambda text: text)(text))
    assert evaluate("--responses", responses, "--suite", folder, "--out", tmp_path / "o") == 0
    other_plan, silent, right = rows(tmp_path / "o").values()
    assert (right["correct"], right["error"], right["cause"]) == (True, None, None)
    assert right["parsed"] == right["response"].rpartition("Answer: ")[2].split()
    assert (other_plan["correct"], other_plan["steps_right"]) == (other_plan["answer_right"], other_plan["steps"])
    assert (silent["correct"], silent["answer_right"], silent["error"]) == (False, True, "wrong")
    assert (silent["cause"], silent["wrong_step"], silent["step_missing"]) == ("unstated", 1, True)


def test_exercises_in_two_modes_have_a_gap_and_tell_their_own_steps(suite, tmp_path):
    both = tmp_path / "r.jsonl"
    seen = stored(suite, tmp_path / "seen.jsonl", second_step_spoiled, mode="vtqa").read_text()
    both.write_text(stored(suite, tmp_path / "read.jsonl").read_text() + seen)
    words = ("--responses", both, "--suite", suite, "--modes", "tqa,vtqa", "--out", tmp_path / "o")
    assert evaluate(*words) == 0
    told = results(tmp_path / "o")
    gap = told["mode_gap"]["pairs"][0]
    assert (gap["first"], gap["second"]) == ("vtqa", "tqa")
    counts = gap["worlds"]["cube_rolling"]
    assert (counts["both"]["n"], counts["only_second"]["n"]) == (3, 3)
    assert counts["only_second"]["causes"] == {"vtqa": {"transformation": 3}}
    assert "first_wrong" not in told
    assert told["exercises"]["cube_rolling"]["vtqa"]["rollout"]["first_wrong"] == {"2": 3}
