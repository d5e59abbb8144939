"""Tables in the terminal."""

from __future__ import annotations

from typing import Any

from idf.evaluation import Row, efficiency_table, summarize, table
from idf.evaluation.report.tables import growth_text, macro_interval, table_rows
from tests.evaluation.samples import row
from tests.sentences import line_that_says, says


def results(rows: list[Row], **run: Any) -> dict[str, Any]:
    return {**summarize(rows), "run": {"evaluated": "me"} | run}


def test_the_table_has_a_line_for_each_world_and_mode_and_the_means():
    rows = [row(correct=True), row(), row(world="moving_box", mode="vqa", error="illegal", official=-2.0)]
    lines = table(results(rows)).splitlines()
    assert lines[0].split()[:4] == ["world", "mode", "n", "accuracy"]
    assert lines[2].split()[:4] == ["cube_rolling", "tqa", "2", "50.0%"]
    assert lines[3].split()[:4] == ["moving_box", "vqa", "1", "0.0%"]
    assert lines[4].split()[:5] == ["mean", "over", "worlds", "tqa", "2"]
    says(lines[4], "50.0%")
    says(lines[5], "mean over worlds", "vqa", "0.0% - 79.3%")  # a bootstrap of nothing right would be a point
    parted = table(results(rows), difficulties=True).splitlines()
    assert parted[0].split()[:4] == ["world", "mode", "difficulty", "n"]
    assert [line.split()[2] for line in parted[2:6]] == ["all", "easy", "all", "easy"]
    assert len(parted) == len(lines) + 2


def test_a_mean_over_worlds_has_the_counts_and_tokens_of_all_responses():
    rows = [row(correct=True, completion_tokens=30), row(id="other", error="unparsed", official=-1.0)]
    rows += [row(id="box", world="moving_box", error="illegal", official=-2.0, finish_reason="length")]
    header, *lines = table_rows(results(rows))
    mean = dict(zip(header, lines[-1], strict=True))
    assert (mean["world"], mean["n"], mean["accuracy"]) == ("mean over worlds", "3", "25.0%")
    assert (mean["unread"], mean["illegal"], mean["cut off"], mean["published rule, read by idf"]) == (
        "1",
        "1",
        "1",
        "-",
    )
    assert (mean["tokens"], mean["tokens per right"]) == ("10", "50")


def test_questions_without_a_response_have_a_column_where_there_are_any():
    failed = [row(), row(id="b", error="error", finish_reason="error", completion_tokens=None)]
    header, line, mean = table_rows(results(failed))
    assert line[header.index("failed")] == mean[header.index("failed")] == "1"
    assert line[header.index("unread")] == "0", "nothing came that could be read"
    assert "failed" not in table_rows(results([row()]))[0]
    line_that_says(table(results(failed)), "failed", "no response")


def test_the_mean_of_one_world_that_varies_and_one_that_does_not_has_the_spread_of_both():
    rows = [row(id=str(n), correct=n % 2 == 0) for n in range(40)]
    rows += [row(id=str(n), world="moving_box") for n in range(4)]
    macro = summarize(rows)["macro"]["tqa"]
    low, high = macro_interval(macro)
    assert low <= macro["bootstrap95"][0]
    assert high > macro["bootstrap95"][1] + 0.1, "four problems without a right answer leave much open"


def test_what_is_not_known_is_a_dash():
    told = table(results([row(error="illegal", official=-2.0, completion_tokens=None)]))
    says(told.splitlines()[0], "published rule, read by idf")
    line = told.splitlines()[2].split()
    assert (line[-6], *line[-2:]) == ("-", "-", "-")


PLAYERS = {
    "cube_rolling": {"tqa": {"all": {"initial": 0.25, "random": 0.125}, "easy": {"initial": 0.5, "random": 0.0}}}
}


def test_trivial_players_are_columns_of_every_table():
    told = results([row(correct=True), row(id="other"), row(mode="vqa")]) | {"baselines": PLAYERS}
    header, *lines = table_rows(told)
    assert header[4:7] == ("95 % interval", "initial", "random")
    assert [line[5:7] for line in lines] == [("25.0%", "12.5%"), ("-", "-"), ("25.0%", "12.5%"), ("-", "-")]
    assert [line[0] for line in lines] == ["cube_rolling", "cube_rolling", "mean over worlds", "mean over worlds"]
    lines = table_rows(told, difficulties=True)
    assert [line[6:8] for line in lines if line[2] == "easy"] == [("50.0%", "0.0%"), ("-", "-")]
    text = table(told)
    line_that_says(text, "initial", "start state")
    line_that_says(text, "random", "guesses", 10)
    assert "initial" not in table(results([row()]))


def test_what_columns_mean_is_said_where_more_than_noughts_stand_in_them():
    silent = row(error="wrong", completion_tokens=None)
    assert not [line for line in table(results([silent])).splitlines() if line.startswith(("unread:", "tokens"))]
    spoken = table(
        results([row(error="unparsed", official=-1.0), row(id="b", error="illegal", finish_reason="length")])
    )
    line_that_says(spoken, "unread:", "unparsed", "refused", "empty")
    line_that_says(spoken, "illegal:", "rule")
    line_that_says(spoken, "cut off:", "token budget", "right ones included")
    line_that_says(spoken, "tokens:", "median")
    line_that_says(spoken, "published rule, read by idf:", "leaves out", "language model")


def test_what_a_run_can_show_at_all_is_printed():
    power = ("80 % of the time", "5 % level", "near 50 %", "correlate by .5", "idf compare")
    told = table(results([row(id=f"{i}") for i in range(200)]))
    line_that_says(
        told, "With 200 items", "only detect gaps above 14.0 points", "same items", "above 10.3 points", *power
    )
    few = [row(id=f"{i}") for i in range(6)] + [row(id=f"{i}", mode="vqa") for i in range(4)]
    line_that_says(
        table(results(few)), "With 4 items", "above 99.1 points", "none", "same items", "with 6", "80.9", "96.3"
    )


def test_repeated_problems_and_samples_are_told():
    told = table(results([row(id=f"{i}", sample=s, correct=i < 5) for i in range(10) for s in range(2)])).splitlines()
    line_that_says(told, "cube_rolling tqa", "20 responses", "10 different problems", "10 independent")
    line_that_says(told, "With 10 independent items", "gaps")
    assert "cube_rolling tqa: pass@1 50.0%, pass@2 50.0%" in told
    line_that_says(told, "pass@k", "share of items", "one of k")


def test_the_table_of_efficiency_has_budgets_and_is_empty_without_tokens():
    rows = [row(correct=True, completion_tokens=600, moves=6, optimal=4), row(id="other", completion_tokens=1400)]
    header, _, line, _, *legend = efficiency_table(results(rows)).splitlines()
    assert header.split()[:4] == ["world", "mode", "tokens", "p90"]
    line_that_says(legend, "p90", "nine of ten")
    line_that_says(legend, "within 512", "cut off")
    line_that_says(legend, "moves/optimal", "shortest plan")
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
    flat = {"linear": {"slope": -0.01, "ci95": (-0.04, 0.0)}, "exponential": {"rate": -1e-9, "ci95": (-0.0, 0.0)}}
    assert growth_text(flat | {"better": "undecided"}) == "undecided: +0.0 tokens a step (+0.0 to +0.0)"
