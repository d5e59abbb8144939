"""The charts of the page."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from idf.evaluation.report.charts import accuracy_chart, budget_chart, growth_chart, key_mark
from tests.sentences import says

CELL = {"accuracy": 0.5, "wilson95": (0.25, 0.75), "correct": 5, "n": 10}
GROWTH = {
    "n": 40,
    "linear": {"slope": 10.0, "ci95": (8, 12), "aic": 1, "at": (100.0, 10.0)},
    "exponential": {"rate": 0.1, "ci95": (0.08, 0.12), "aic": 9, "at": (4.6, 0.1)},
    "better": "linear",
}
SIZES = [[1, 10, 5, 110.0], [5, 10, 5, 150.0], [9, 10, 2, None]]


def titles(chart: str) -> list[str]:
    return [str(found.text) for found in ElementTree.fromstring(chart).iter("title")]


def test_each_cell_is_a_point_with_its_interval():
    chart = accuracy_chart({"vqa": {"all": CELL, "easy": CELL}, "tqa": {"easy": CELL, "hard": CELL}}, {})
    assert titles(chart) == [
        "vqa, easy: 50.0% [25.0%, 75.0%], 5 of 10",
        "tqa, easy: 50.0% [25.0%, 75.0%], 5 of 10",
        "tqa, hard: 50.0% [25.0%, 75.0%], 5 of 10",
    ]
    assert chart.count('class="whisker"') == 3


def test_trivial_players_are_lines():
    chart = accuracy_chart({"vqa": {"easy": CELL}}, {"vqa": {"easy": {"initial": 0.25, "random": 0.1}}})
    assert titles(chart)[:2] == ["initial, easy: 25.0%", "random, easy: 10.0%"]


@pytest.mark.parametrize(("better", "fits"), [("linear", 1), ("exponential", 1), ("undecided", 0)])
def test_the_better_fit_is_drawn_and_no_other(better, fits):
    chart = growth_chart({"vqa": {"by_size": SIZES, "growth": GROWTH | {"better": better}}})
    assert chart.count('class="fit') == fits
    assert titles(chart) == ["vqa, size 1: 110 tokens, 5 of 10 right", "vqa, size 5: 150 tokens, 5 of 10 right"]


def test_a_linear_fit_passes_where_it_says():
    chart = growth_chart({"vqa": {"by_size": SIZES, "growth": GROWTH}})
    root = ElementTree.fromstring(chart)
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter("circle")]
    line = next(path.attrib["d"] for path in root.iter("path") if "fit" in path.attrib.get("class", ""))
    first, last = (tuple(map(float, line[1:].split("L")[at].split())) for at in (0, -1))
    assert circles[0] == pytest.approx(first, abs=0.2)
    assert circles[1] == pytest.approx(last, abs=0.2)


def test_without_token_counts_a_sentence_stands_for_the_chart():
    says(growth_chart({"vqa": {"by_size": [[1, 2, 1, None]], "growth": None}}), "no response", "token count")
    says(budget_chart({"vqa": {"budgets": []}}), "no response", "token count")


def test_one_size_alone_can_be_drawn():
    assert titles(growth_chart({"vqa": {"by_size": [[3, 2, 1, 0.0]], "growth": None}})) == [
        "vqa, size 3: 0 tokens, 1 of 2 right"
    ]


def test_budgets_are_points():
    chart = budget_chart({"vqa": {"budgets": [[512, 0.25], [1024, 0.5]]}})
    assert titles(chart) == ["vqa, 512 tokens: 25.0%", "vqa, 1024 tokens: 50.0%"]
    assert ">1k<" in chart


def test_a_chart_says_the_name_of_a_mode_as_text():
    chart = budget_chart({"<b>": {"budgets": [[512, 0.25]]}})
    assert "<b>" not in chart
    assert titles(chart) == ["<b>, 512 tokens: 25.0%"]


def test_modes_differ_by_more_than_colour():
    assert ["<circle" in key_mark(0), "<rect" in key_mark(1), "<path" in key_mark(2)] == [True] * 3
