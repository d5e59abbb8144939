"""What the page says above the browser of responses."""

from __future__ import annotations

from typing import Any

from idf.evaluation import Row, summarize
from idf.evaluation.report.page import page_values
from tests.evaluation.samples import row
from tests.sentences import line_that_says, says


def values(rows: list[Row], **more: Any) -> dict[str, Any]:
    return page_values(
        rows, {**summarize(rows), "run": {"evaluated": "me", "modes": ["vqa", "tqa"], "idf": "1"}, **more}
    )


def loud(rows: list[Row]) -> list[str]:
    return [notice.text for notice in values(rows)["notices"] if notice.loud]


def test_a_cell_with_more_than_two_per_cent_cut_off_is_loud():
    rows = [row(id=str(n), finish_reason="length" if n < 3 else "stop") for n in range(100)]
    assert "cube_rolling tqa easy, 3 of 100" in loud(rows)[0]
    assert not loud([row(id=str(n), finish_reason="length" if n < 2 else "stop") for n in range(100)])


def test_few_cut_off_in_all_but_many_in_one_difficulty_is_loud():
    rows = [row(id=str(n)) for n in range(990)]
    rows += [row(id=f"h{n}", difficulty="hard", finish_reason="length") for n in range(10)]
    assert "hard, 10 of 10" in loud(rows)[0]


def test_the_worst_cells_are_named_and_the_others_counted():
    rows = [
        row(mode=mode, difficulty=d, finish_reason="length")
        for mode in ("vqa", "tqa")
        for d in ("easy", "medium", "hard")
    ]
    assert "in 6 cells" in loud(rows)[0]
    assert "2 more below" in loud(rows)[0]


def test_questions_without_a_response_are_loud():
    rows = [row(), row(id="b", error="error", finish_reason="error")]
    line_that_says(loud(rows), "1 of 2 questions")


def test_the_share_of_unread_answers_is_always_said_and_loud_if_large():
    few = [row(id=str(n), error="unparsed" if n < 1 else "wrong") for n in range(100)]
    notice = values(few)["notices"][-1]
    assert not notice.loud
    says(notice.text, "1 of 100", "1.0%")
    assert "3 of 3" in loud([row(id=str(n), error=e) for n, e in enumerate(("unparsed", "refused", "empty"))])[-1]


def test_the_summary_counts_each_class_per_cell():
    rows = [row(correct=True), row(id="b"), row(id="c", error="illegal", difficulty="hard", official=-2.0)]
    said = values(rows)
    labels = [column.label for column in said["columns"]]
    lines = said["summary"]["cube_rolling"]
    assert [(line.kind, line.difficulty) for line in lines] == [
        ("all", "all"),
        ("part", "easy"),
        ("part", "hard"),
    ]
    assert [line.n for line in lines] == [3, 2, 1]
    found = [dict(zip(labels, line.numbers, strict=True)) for line in lines]
    assert [(one["published rule, read by idf"], one["wrong"], one["illegal"]) for one in found] == [
        ("50.0%", "1", "1"),
        ("50.0%", "1", "0"),
        ("–", "0", "1"),
    ]


def test_a_column_in_which_nothing_stands_is_left_out():
    def shown(rows: list[Row]) -> list[str]:
        return [column.label for column in values(rows)["columns"]]

    assert "tokens" in shown([row()])
    assert "tokens" not in shown([row(completion_tokens=None)])


def test_columns_of_samples_and_of_passed_goals_stand_where_there_are_any():
    rows = [row(sample=n, solved_prefix=3) for n in range(2)]
    results = {**summarize(rows), "run": {}}
    for cell in results["worlds"]["cube_rolling"]["tqa"].values():
        cell |= {"solved_prefix": 2, "pass_at_k": {"1": 0.25, "2": 0.5}}
    said = page_values(rows, results)
    line = dict(
        zip([column.label for column in said["columns"]], said["summary"]["cube_rolling"][0].numbers, strict=True)
    )
    assert (line["passed by"], line["pass@k"]) == ("2", "@1 25%, @2 50%")


def test_trivial_players_are_columns_of_every_line_and_of_the_means():
    rows = [row(mode="vqa"), row(mode="tqa"), row(id="m", world="moving_box", mode="tqa")]
    floors = {
        "cube_rolling": {"vqa": {"all": {"initial": 0.25, "random": 0.125}, "easy": {"initial": 1.0, "random": 0.0}}},
        "moving_box": {"vqa": {"all": {"initial": 0.75}}, "tqa": {"all": {"initial": 0.5}}},
    }
    said = values(rows, baselines=floors)
    assert [column.label for column in said["players"]] == ["initial", "random"]
    assert all(column.title for column in said["players"])
    assert [(line.mode, line.difficulty, line.players) for line in said["summary"]["cube_rolling"]] == [
        ("vqa", "all", [0.25, 0.125]),
        ("vqa", "easy", [1.0, 0.0]),
        ("tqa", "all", [None, None]),
        ("tqa", "easy", [None, None]),
    ]
    # A player that plays one of two worlds has no mean over worlds.
    assert [(mean.mode, mean.players) for mean in said["means"]] == [("vqa", [0.5, None]), ("tqa", [0.5, None])]
    assert values(rows)["players"] == []


def test_questions_without_a_response_are_no_unread_answers():
    rows = [row(), row(id="b", error="error", finish_reason="error"), row(id="c", error="unparsed")]
    said = values(rows)
    line = dict(
        zip([column.label for column in said["columns"]], said["summary"]["cube_rolling"][0].numbers, strict=True)
    )
    assert (line["unread"], line["failed"]) == ("1", "1")
    assert "failed" not in [column.label for column in values([row()])["columns"]]


def test_modes_stand_in_our_order():
    said = values([row(mode="vtqa"), row(mode="tqa"), row(mode="vqa")])
    assert said["modes"] == ["vqa", "tqa", "vtqa"]
    assert [line.mode for line in said["summary"]["cube_rolling"] if line.kind == "all"] == ["vqa", "tqa", "vtqa"]


def test_a_world_that_was_not_asked_in_a_mode_has_a_gap_in_the_matrix():
    said = values([row(mode="vqa"), row(mode="tqa"), row(world="moving_box", mode="tqa")])
    assert [cell is None for cell in said["matrix"]["moving_box"]] == [True, False]


def test_bars_count_outcomes_and_causes():
    rows = [
        row(correct=True),
        row(id="b", cause="perception"),
        row(id="c"),
        row(id="d", error="illegal", cause="transformation"),
    ]
    said = values(rows)
    (bar,) = said["errors"]["cube_rolling"]
    assert bar.parts == [("correct", 1), ("wrong", 2), ("illegal", 1)]
    (bar,) = said["caused"]["cube_rolling"]
    assert (bar.n, bar.parts) == (3, [("perception", 1), ("transformation", 1), ("undiagnosed", 1)])


def test_examples_of_a_cause_come_from_all_worlds_in_turn():
    rows = [row(id=str(n), cause="format") for n in range(9)] + [row(id="m", world="moving_box", cause="format")]
    assert [one.id for one in values(rows)["examples"]["format"]] == ["0", "m", "1", "2", "3", "4"]


def test_the_fit_of_each_mode_is_named():
    growth = {
        "n": 40,
        "linear": {"slope": 10.0, "ci95": (8.0, 12.0), "at": (0, 10)},
        "exponential": {"rate": 0.1, "ci95": (0.08, 0.12), "at": (1, 0.1)},
        "better": "exponential",
    }
    said = values([row()], efficiency={"cube_rolling": {"tqa": {"budgets": [], "by_size": [], "growth": growth}}})
    (fit,) = said["efficiency"]["cube_rolling"]["fits"]
    assert fit.better == "exponential"
    says(fit.text, "+10.5%", "step", "[+8.3%, +12.7%]")
    says(fit.other, "+10.0 tokens", "step", "[+8.0, +12.0]")
    none = values([row()], efficiency={"cube_rolling": {"tqa": {"budgets": [], "by_size": [], "growth": None}}})
    assert none["efficiency"]["cube_rolling"]["fits"][0].better == "no fit"


def test_versions_are_said_as_words():
    run = {"versions": {"torch": "2.8", "peft": None}, "modes": ["vqa"]}
    said = page_values([row()], {**summarize([row()]), "run": run})
    assert said["facts"] == {"modes": "vqa", "versions": "torch 2.8"}


def test_the_mean_over_worlds_has_its_bootstrap_interval():
    rows = [row(id=str(n), cluster=str(n), correct=n < 4) for n in range(8)]
    ((mode, n, share, (low, high), players, how),) = values(rows)["means"]
    assert (mode, n, share, players) == ("tqa", 8, 0.5, [])
    says(how, "bootstrap", "8 problems", "10,000 draws", "Wilson", "wider")
    assert 0 < low < 0.5 < high < 1


def test_the_facts_of_the_run_are_said_as_words():
    said = values([row()])
    assert said["facts"] == {"modes": "vqa, tqa", "idf version": "1"}
    assert said["run"]["modes"] == "vqa, tqa"
