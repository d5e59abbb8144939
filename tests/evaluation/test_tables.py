"""Tables in the terminal."""

from __future__ import annotations

from typing import Any

from idf.evaluation import Row, efficiency_table, side_by_side, summarize, table
from idf.evaluation.report.tables import growth_text, macro_interval
from idf.scoring.rules_version import RULES_VERSION
from tests.evaluation.folders import folder, told, without_rules
from tests.evaluation.samples import row
from tests.sentences import line_that_says, refused, says


def results(rows: list[Row], **run: Any) -> dict[str, Any]:
    return {**summarize(rows), "run": {"evaluated": "me"} | run}


def test_the_table_has_a_line_for_each_world_and_mode_and_the_means():
    rows = [row(correct=True), row(), row(world="moving_box", mode="vqa", error="illegal", official=-2.0)]
    lines = table(results(rows)).splitlines()
    assert lines[0].split()[:5] == ["world", "mode", "difficulty", "n", "accuracy"]
    assert lines[2].split()[:5] == ["cube_rolling", "tqa", "all", "2", "50.0%"]
    assert lines[3].split()[:5] == ["moving_box", "vqa", "all", "1", "0.0%"]
    says(lines[4], "mean", "worlds", "tqa", "50.0%")
    says(lines[5], "mean", "worlds", "vqa", "0.0% (0.0% - 79.3%)")  # a bootstrap of nothing right would be a point
    assert len(table(results(rows), difficulties=True).splitlines()) == len(lines) + 2


def test_the_mean_of_one_world_that_varies_and_one_that_does_not_has_the_spread_of_both():
    rows = [row(id=str(n), correct=n % 2 == 0) for n in range(40)]
    rows += [row(id=str(n), world="moving_box") for n in range(4)]
    macro = summarize(rows)["macro"]["tqa"]
    low, high = macro_interval(macro)
    assert low <= macro["bootstrap95"][0]
    assert high > macro["bootstrap95"][1] + 0.1, "four problems without a right answer leave much open"


def test_what_is_not_known_is_a_dash():
    told = table(results([row(error="illegal", official=-2.0, completion_tokens=None)]))
    says(told.splitlines()[0], "published rule, our reader")
    line = told.splitlines()[2].split()
    assert (line[-6], *line[-2:]) == ("-", "-", "-")


PLAYERS = {
    "cube_rolling": {"tqa": {"all": {"initial": 0.25, "random": 0.125}, "easy": {"initial": 0.5, "random": 0.0}}}
}


def test_trivial_players_are_rows_of_every_table():
    told = results([row(correct=True), row(id="other")]) | {"baselines": PLAYERS}
    lines = table(told).splitlines()
    assert lines[3].split()[:5] == ["cube_rolling", "tqa", "all:", "initial", "-"]
    assert lines[3].split()[5] == "25.0%"
    assert lines[4].split()[3:6] == ["random", "-", "12.5%"]
    assert lines[5].endswith("; initial 25.0%; random 12.5%")
    assert "easy: initial" not in table(told)
    assert "easy: initial" in table(told, difficulties=True)


def test_what_a_run_can_show_at_all_is_printed():
    told = table(results([row(id=f"{i}") for i in range(200)]))
    power = ("80 % power", "5 % level", "50 %", "idf compare")
    says(told.splitlines()[-1], "smallest difference", *power, "n 200", "14.0 points", "10.3 paired")


def test_repeated_problems_and_samples_are_told():
    told = table(results([row(id=f"{i}", sample=s, correct=i < 5) for i in range(10) for s in range(2)])).splitlines()
    line_that_says(told, "cube_rolling tqa", "20 rows", "10 different problems", "10 independent")
    assert "cube_rolling tqa: pass@1 50.0%, pass@2 50.0%" in told


def test_the_table_of_efficiency_has_budgets_and_is_empty_without_tokens():
    rows = [row(correct=True, completion_tokens=600, moves=6, optimal=4), row(id="other", completion_tokens=1400)]
    header, _, line = efficiency_table(results(rows)).splitlines()
    assert header.split()[:3] == ["world", "mode", "tokens"]
    assert line.split() == ["cube_rolling", "tqa", "1,000", "1,400", "600", "1,400", "2,000", "1.50", "0.0%"] + [
        "50.0%"
    ] * 4 + ["-"]
    assert efficiency_table(results([row(completion_tokens=None)])) == ""


def test_growth_is_told_in_tokens_or_in_per_cent_a_step():
    fit = {
        "linear": {"slope": 41.26, "ci95": (38.0, 44.5)},
        "exponential": {"rate": 0.0953, "ci95": (0.0, 0.2)},
        "better": "linear",
    }
    says(growth_text(fit), "linear", "+41.3 tokens", "step", "(+38.0 to +44.5)")
    says(growth_text(fit | {"better": "undecided"}), "undecided", "+41.3 tokens")
    says(growth_text(fit | {"better": "exponential"}), "exponential", "+10.0%", "step", "(+0.0% to +22.1%)")
    says(growth_text(fit | {"cut_off": 3, "n": 20}), "3 of 20 cut off")
    assert growth_text(None) == "-"


def test_a_suite_that_was_made_anew_under_its_name_stands_in_no_table_with_the_old_one(tmp_path):
    runs = {name: folder(tmp_path / name, told([]), suite_sha256=name) for name in ("a", "b")}
    with refused("different items", "made anew"):
        side_by_side(runs)
    runs["b"] = folder(tmp_path / "b", told([]))
    assert "a" in side_by_side(runs), "an older version does not say its items"


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
    assert "a" in side_by_side(runs), "two that say none"
