"""Many runs in one table: best first, and only with those that were asked the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from idf.evaluation import leaderboard, leaderboard_text, write_leaderboard, write_results
from idf.evaluation.report.leaderboard import leaderboard_markdown, mode_table
from tests.evaluation.folders import RUN, folder, told, without_rules
from tests.sentences import refused, says


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    return {
        "poor": folder(tmp_path / "poor", told(range(2))),
        "good": folder(tmp_path / "good", told(range(15)) + told(range(9), world="wood_slide")),
        "fair": folder(tmp_path / "fair", told(range(8), completion_tokens=None)),
    }


def test_the_best_run_comes_first_and_what_a_run_lacks_is_a_dash(runs):
    (group,) = leaderboard(runs)
    assert list(group.runs) == ["good", "fair", "poor"]
    header, *lines = mode_table(group, "tqa")
    assert header == ("run", "mean over worlds", "cube_rolling", "wood_slide", "tokens", "tokens per right")
    assert [line[0] for line in lines] == ["good", "fair", "poor"]
    assert lines[0][1].startswith("60.0% (")
    assert lines[0][2:4] == ("75.0% (53.1% - 88.8%)", "45.0% (25.8% - 65.8%)")
    assert lines[1][3:] == ("-", "-", "-")
    assert lines[2][4:] == ("10", "100")


def test_runs_that_were_asked_other_things_have_tables_of_their_own(runs, tmp_path):
    runs["short"] = folder(tmp_path / "short", told(range(20)), prompts="idf-short-1")
    runs["other"] = folder(tmp_path / "other", told(range(20)), suite="suites/other")
    runs["drawn"] = folder(tmp_path / "drawn", told(range(20)), pictures="drawn")
    groups = leaderboard(runs)
    assert [list(group.runs) for group in groups] == [["good", "fair", "poor"], ["short"], ["other"], ["drawn"]]
    text = leaderboard_text(groups)
    says(text.splitlines()[0], "runs", "4 different things")
    assert "suite suites/demo, 20 items, prompts idf-short-1, pictures auto, tqa" in text
    assert "different things" not in leaderboard_text(groups[:1])


def test_a_fingerprint_tells_suites_apart_and_together(tmp_path):
    runs = {
        name: folder(tmp_path / name, told([]), suite=suite, suite_sha256=sha)
        for name, suite, sha in (("a", "here", "1"), ("b", "there", "1"), ("c", "here", "2"))
    }
    assert [sorted(group.runs) for group in leaderboard(runs)] == [["a", "b"], ["c"]]


def test_a_player_that_reads_no_prompt_stands_with_every_run_of_its_suite(runs, tmp_path):
    silent = {key: value for key, value in RUN.items() if key not in ("prompts", "pictures")}
    write_results(told(range(1)), tmp_path / "initial", silent)
    runs["initial"] = tmp_path / "initial"
    assert [list(group.runs) for group in leaderboard({"initial": runs["initial"]})] == [["initial"]]
    runs["short"] = folder(tmp_path / "short", told(range(20)), prompts="idf-short-1")
    assert [list(group.runs) for group in leaderboard(runs)] == [
        ["good", "fair", "poor", "initial"],
        ["short", "initial"],
    ]


def test_markdown_csv_and_picture_are_written(runs, tmp_path):
    runs["we*ird|name"] = folder(tmp_path / "weird", told(range(4), mode="vqa"))
    paths = write_leaderboard(leaderboard(runs), tmp_path / "out" / "deep")
    assert [path.name for path in paths] == ["leaderboard.md", "leaderboard.csv", "leaderboard.png"]
    text = paths[0].read_text()
    assert "| good | 60.0% (" in text
    assert r"| we\*ird\|name | 20.0% (" in text
    with paths[1].open(newline="") as file:
        lines = {line["run"]: line for line in csv.DictReader(file)}
    assert float(lines["good"]["tqa cube_rolling"]) == 0.75
    assert lines["good"]["tqa cube_rolling n"] == "20"
    assert lines["poor"]["tqa wood_slide"] == ""
    assert float(lines["we*ird|name"]["vqa mean"]) == 0.2
    with Image.open(paths[2]) as picture:
        assert picture.format == "PNG"
        assert picture.width > 800


def test_every_mode_has_a_table_in_markdown(tmp_path):
    rows = told(range(3)) + told(range(9), mode="vqa")
    text = leaderboard_markdown(leaderboard({"a": folder(tmp_path / "a", rows)}))
    assert [line for line in text.splitlines() if line.startswith("##")] == [
        f"## suite suites/demo, 20 items, prompts idf-long-1, pictures auto, {mode}" for mode in ("tqa", "vqa")
    ]


def test_a_folder_without_results_and_one_of_an_older_version_are_one_sentence(tmp_path):
    with refused("no results", tmp_path, f"idf-eval --out {tmp_path}"):
        leaderboard({"a": tmp_path})
    (tmp_path / "results.json").write_text(json.dumps({"worlds": {}, "macro_accuracy": {}, "run": {}}))
    with refused(tmp_path / "results.json", "older version", f"idf-eval --responses {tmp_path / 'samples.jsonl'}"):
        leaderboard({"a": tmp_path})


def test_runs_judged_by_other_rules_have_tables_of_their_own_and_the_remedy(runs, tmp_path):
    without_rules(runs["good"])
    groups = leaderboard(runs)
    assert [list(group.runs) for group in groups] == [["fair", "poor"], ["good"]]
    text = leaderboard_text(groups)
    says(text.splitlines()[0], "scoring rules", "idf-eval --rescore")
    says(groups[1].title, "scoring rules", "version before 1")
    assert "scoring rules" not in leaderboard({"poor": runs["poor"], "fair": runs["fair"]})[0].title


def test_half_a_samples_file_is_told_before_its_results_stand_in_a_table(runs):
    path = runs["good"] / "samples.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:25]))
    with refused(path, "results.json", "5 rows", "wood_slide tqa", 20):
        leaderboard(runs)
