"""The table and the page: what a model says is shown as text and never becomes part of the page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from idf.evaluation import Row, summarize, write_report
from tests.evaluation.samples import row


def results(rows: list[Row], **run: Any) -> dict[str, Any]:
    return {**summarize(rows), "run": {"evaluated": "me"} | run}


class Page(HTMLParser):
    """The tags of a page, and the text inside of each."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.inside = tag
        self.texts.setdefault(tag, []).append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


def page(rows: list[Row], out: Path, **run: Any) -> Page:
    path = write_report(rows, results(rows, **run), out)
    assert path == out / "report.html"
    return Page(path)


NASTY = "<script>alert('x')</script></pre></details><img src=x onerror=alert(1)> & \"quoted\""


def test_a_script_in_a_response_is_text(tmp_path):
    shown = page([row(response=NASTY)], tmp_path)
    assert "script" not in shown.tags
    assert "img" not in shown.tags
    assert shown.texts["pre"] == [NASTY]


def test_nothing_else_that_comes_from_outside_becomes_part_of_the_page(tmp_path):
    nasty = row(id=NASTY, detail=NASTY, world=NASTY, mode=NASTY, difficulty=NASTY, error=NASTY)
    shown = page([nasty], tmp_path, evaluated=NASTY, suite=NASTY)
    assert not {"script", "img"} & set(shown.tags)


def test_the_page_shows_the_table_the_run_and_two_responses_of_each_outcome(tmp_path):
    rows = [row(id=f"cube_rolling:easy:{i}", correct=i < 3, response=f"response {i}") for i in range(7)]
    shown = page(rows, tmp_path, seconds=3)
    assert shown.texts["pre"] == ["response 0", "response 1", "response 3", "response 4"]
    cells = [text.strip() for text in shown.texts["td"]]
    assert "42.9%" in cells
    assert cells[-4:] == ["evaluated", "me", "seconds", "3"]


def test_a_response_that_speaks_of_the_template_is_shown_as_it_is(tmp_path):
    assert page([row(response="I say {{run}}")], tmp_path).texts["pre"] == ["I say {{run}}"]
