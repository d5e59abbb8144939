"""`idf table`: several runs of one suite side by side, as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from idf.evaluation import FORMS, baseline_cells, form_of, side_by_side, written_as
from idf.evaluation.report.side_by_side import SideBySide, rows_of
from idf.evaluation.report.tables import macro_interval
from idf.scoring.rules_version import RULES_VERSION
from tests.evaluation.folders import RUN, folder, told, without_rules
from tests.evaluation.samples import ITEMS
from tests.sentences import refused, says

WORLDS = ("cube_rolling", "moving_box")


def with_players(path: Path, modes: list[str]) -> None:
    """Add to results what trivial players have on some items."""
    results = json.loads((path / "results.json").read_text())
    results["baselines"] = baseline_cells(ITEMS, modes)
    (path / "results.json").write_text(json.dumps(results))


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    """A run in two modes with its tokens, one in a mode with none, and one with several samples that says no prompts."""
    spoken = [one for world in WORLDS for mode in ("tqa", "vqa") for one in told(range(8), 10, world=world, mode=mode)]
    silent = [one for world in WORLDS for one in told(range(4), 10, world=world, completion_tokens=None)]
    several = [one for world in WORLDS for s in (0, 1) for one in told([], 10, world=world, sample=s)]
    found = {
        "spoken": folder(tmp_path / "1", spoken),
        "si_lent & co": folder(tmp_path / "2", silent, prompts="idf-short-1"),
        "several": folder(tmp_path / "3", several, prompts=None),
    }
    with_players(found["si_lent & co"], ["tqa"])
    return found


@pytest.fixture
def found(runs: dict[str, Path]) -> SideBySide:
    return side_by_side(runs)


def test_a_table_has_a_row_for_each_world_and_mode_and_for_the_mean_of_each_mode(found):
    rows = rows_of(found)
    assert [row[:3] for row in rows] == [
        ("world", "mode", "n"),
        ("cube_rolling", "tqa", "10/10/20"),
        ("cube_rolling", "vqa", "10"),
        ("moving_box", "tqa", "10/10/20"),
        ("moving_box", "vqa", "10"),
        ("mean over worlds", "tqa", "20/20/40"),
        ("mean over worlds", "vqa", "20"),
    ]
    players = ("player initial", "player random")
    assert rows[0][3:] == ("spoken", "spoken: tokens", "si_lent & co", "several", "several: tokens", *players)
    assert rows[1][3:6] == ("80.0% (49.0% - 94.3%)", "10", "40.0% (16.8% - 68.7%)")
    assert rows[2][5:] == ("-", "-", "-", "-", "-"), "a mode that they were not asked"
    shares = baseline_cells(ITEMS, ["tqa"])
    initial = [shares[world]["tqa"]["all"]["initial"] for world in WORLDS]
    assert [row[-2] for row in rows if row[1] == "tqa"] == [f"{x:.1%}" for x in (*initial, sum(initial) / 2)]


def test_the_mean_over_worlds_has_the_interval_of_a_single_run(found, runs):
    macro = json.loads((runs["spoken"] / "results.json").read_text())["macro"]["tqa"]
    low, high = macro_interval(macro)
    assert rows_of(found)[5][3] == f"80.0% ({low:.1%} - {high:.1%})"


@pytest.mark.parametrize("form", ["text", "md", "tex"])
def test_below_a_table_stands_what_was_asked_and_what_the_columns_mean(found, form):
    text = written_as(found, form)
    says(text, "suites/demo", "20 items", f"version {RULES_VERSION}", "denominator", "from left to right")
    says(text, "pictures: auto", "idf-long-1 in spoken", "idf-short-1 in", "not said in several")
    says(text, "Wilson", "bootstrap over problems", "start state", "guesses", "median", "each world counts the same")


def test_a_csv_file_has_numbers_that_are_not_rounded(found, runs):
    lines = list(csv.DictReader(io.StringIO(written_as(found, "csv"))))
    assert [(line["run"], line["world"], line["mode"]) for line in lines] == [
        *(("spoken", world, mode) for world in (*WORLDS, "mean over worlds") for mode in ("tqa", "vqa")),
        *((run, world, "tqa") for run in ("si_lent & co", "several") for world in (*WORLDS, "mean over worlds")),
    ]
    cell = json.loads((runs["spoken"] / "results.json").read_text())["worlds"]["moving_box"]["vqa"]["all"]
    line = next(line for line in lines if (line["run"], line["world"], line["mode"]) == ("spoken", "moving_box", "vqa"))
    assert [int(line[key]) for key in ("n", "correct")] == [cell["n"], cell["correct"]]
    assert [float(line[key]) for key in ("accuracy", "low", "high")] == [cell["accuracy"], *cell["wilson95"]]
    assert float(line["tokens_per_correct"]) == cell["tokens_per_correct"]
    assert (line["suite"], line["prompts"], line["scoring_rules"]) == (RUN["suite"], "idf-long-1", str(RULES_VERSION))
    assert {line["tokens_median"] for line in lines if line["run"] == "si_lent & co"} == {""}
    assert lines[-1]["correct"] == "", "a mean has no count of right ones"
    assert float(lines[0]["initial"]) == baseline_cells(ITEMS, ["tqa"])["cube_rolling"]["tqa"]["all"]["initial"]


def test_markdown_keeps_a_name_that_would_be_markup(tmp_path):
    text = written_as(side_by_side({"a|*b*": folder(tmp_path / "a", told([]))}), "md")
    header = text.splitlines()[0]
    assert r"| a\|\*b\* |" in header
    assert len({line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_every_form_ends_in_one_newline(found):
    for form in FORMS:
        text = written_as(found, form)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_the_name_of_a_file_says_its_form(tmp_path):
    for form, suffix in FORMS.items():
        assert form_of(tmp_path / f"table{suffix}") == form_of(tmp_path / f"table{suffix.upper()}") == form
    for name in ("table", "table.xlsx"):
        with refused("--out", tmp_path / name, ".md", ".tex", ".csv"):
            form_of(tmp_path / name)
    with refused("--out", tmp_path, "folder", ".md"):
        form_of(tmp_path)


def test_results_without_intervals_are_refused_with_the_remedy(tmp_path):
    path = folder(tmp_path / "a", told([]))
    results = json.loads((path / "results.json").read_text())
    del results["macro"]
    (path / "results.json").write_text(json.dumps(results))
    with refused(path / "results.json", "older version", f"idf-eval --responses {path / 'samples.jsonl'}"):
        side_by_side({"a": path})


def test_runs_of_other_suites_are_refused_each_with_its_suite(tmp_path):
    runs = {name: folder(tmp_path / name, told([]), suite=f"suites/{name}") for name in ("a", "b")}
    with refused("different suites", "a suites/a with 20 items", "b suites/b with 20 items"):
        side_by_side(runs)


def test_a_suite_that_was_made_anew_under_its_name_stands_in_no_table_with_the_old_one(tmp_path):
    runs = {name: folder(tmp_path / name, told([]), suite_sha256=name) for name in ("a", "b")}
    with refused("different items", "made anew"):
        side_by_side(runs)
    runs["b"] = folder(tmp_path / "b", told([]))
    assert "a" in side_by_side(runs).runs, "an older version does not say its items"


def test_half_a_samples_file_is_told_before_a_table_of_its_results(tmp_path):
    runs = {name: folder(tmp_path / name, told([0, 15])) for name in ("a", "b")}
    lines = (tmp_path / "b" / "samples.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "b" / "samples.jsonl").write_text("".join(lines[:10]))
    with refused(tmp_path / "b" / "samples.jsonl", "results.json", "10 rows", "cube_rolling tqa", 20):
        side_by_side(runs)
    (tmp_path / "b" / "samples.jsonl").write_text("".join(lines[:10]) + lines[10][:40])
    with refused(f"{tmp_path / 'b' / 'samples.jsonl'}, line 11"):
        side_by_side(runs)
    (tmp_path / "b" / "samples.jsonl").write_text("".join(lines).replace('"correct": true', '"correct": false', 1))
    with refused(tmp_path / "b" / "samples.jsonl", "20 rows", "1 of them right", 2):
        side_by_side(runs)


def test_runs_judged_by_other_rules_stand_in_no_table_together(tmp_path):
    runs = {name: folder(tmp_path / name, told([])) for name in ("a", "b")}
    without_rules(tmp_path / "b")
    with refused("scoring rules", f"version {RULES_VERSION}", "version before 1", "--rescore"):
        side_by_side(runs)
    without_rules(tmp_path / "a")
    assert "a" in side_by_side(runs).runs, "two that say none"
