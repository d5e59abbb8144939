"""The table and the page: what a model says is shown as text and never becomes part of the page."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from idf.evaluation import Row, summarize, write_report
from idf.suites import Item
from tests.evaluation.samples import ITEMS, row
from tests.sentences import says


def results(rows: list[Row], **run: Any) -> dict[str, Any]:
    return {**summarize(rows), "run": {"evaluated": "me"} | run}


class Page(HTMLParser):
    """The tags of a page, the attributes that name other files, and the text inside of each script."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self.inside = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.inside = dict(attrs).get("id", "code") if tag == "script" else "style" if tag == "style" else ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[self.inside] = self.scripts.get(self.inside, "") + data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def part(self, name: str) -> Any:
        return json.loads(self.scripts[name])


def page(
    rows: list[Row], out: Path, *, items: list[Item] | None = None, pictures: int | None = None, **run: Any
) -> Page:
    path = write_report(rows, results(rows, **run), out, items, pictures)
    assert path == out / "report.html"
    return Page(path)


NASTY = "</script><script>alert('x')</script></pre><img src=x onerror=alert(1)> & \"quoted\" {{ run }} \u2028\ud800"


def test_a_response_is_kept_to_the_letter_and_becomes_no_part_of_the_page(tmp_path):
    plain, shown = page([row()], tmp_path), page([row(response=NASTY)], tmp_path)
    assert shown.part("rows-0")[0]["response"] == NASTY
    assert shown.tags == plain.tags


def test_nothing_else_that_comes_from_outside_becomes_part_of_the_page(tmp_path):
    said = dict.fromkeys(("id", "detail", "difficulty", "error", "cause", "cause_detail", "parsed"), NASTY)
    said |= dict.fromkeys(("world", "mode"), NASTY.replace("\ud800", ""))  # of these the statistics take the UTF-8
    shown = page([row(**said)], tmp_path, evaluated=NASTY, suite=NASTY, prompts=NASTY)
    assert not {"img"} & set(shown.tags)
    assert shown.tags.count("script") == len(shown.scripts) - 1  # the style sheet stands among them
    assert not [name for name, _ in shown.attributes if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>" in shown.text


def test_the_page_needs_no_other_file(tmp_path):
    shown = page([row(id=item.id) for item in ITEMS], tmp_path, items=ITEMS)
    assert not {"link", "iframe", "object", "base"} & set(shown.tags)
    assert all(value.startswith("#") for name, value in shown.attributes if name in ("src", "href", "action"))
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", shown.source)


def test_only_the_script_of_the_page_may_run(tmp_path):
    shown = page([row()], tmp_path)
    policy = next(value for name, value in shown.attributes if name == "content" and "script-src" in value)
    digest = b64encode(sha256(shown.scripts["code"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_a_page_of_rows_alone_says_what_it_cannot_show(tmp_path):
    assert page([row()], tmp_path).part("index")["items"] is False


def test_a_page_says_how_many_items_have_no_picture(tmp_path):
    shown = page([row(id=item.id) for item in ITEMS], tmp_path, items=ITEMS, pictures=3)
    assert shown.part("index")["pictures"] == [3, len(ITEMS)]
    assert shown.source.count("data:image/png;base64,") == 3


def test_prompts_that_nobody_named_are_said_to_be_a_guess(tmp_path):
    assert "template" in page([row()], tmp_path).tags
    assert "template" not in page([row()], tmp_path, prompts="idf-long-1").tags


def test_the_page_shows_numbers_notices_and_the_run(tmp_path):
    rows = [row(id=f"cube_rolling:easy:{i}", correct=i < 3, finish_reason="length") for i in range(7)]
    shown = page(rows, tmp_path, seconds=3, suite="mine")
    says(shown.text, "42.9%", "cut off", "in 1 cell", "published scorer")
    for said in ("seconds3", "suitemine"):  # cells of the table of the run, which stand beside each other
        assert said in shown.text


def test_an_example_leads_to_its_response(tmp_path):
    shown = page([row(id="a b:é", sample=1)], tmp_path)
    assert ("href", "#a%20b%3A%C3%A9%40tqa.1") in shown.attributes


def test_efficiency_has_a_place_only_where_it_is_known(tmp_path):
    rows = [row()]
    said = {
        **results(rows),
        "efficiency": {"cube_rolling": {"tqa": {"budgets": [[512, 0.5]], "by_size": [], "growth": None}}},
    }
    assert "at a budget of tokens" in Page(write_report(rows, said, tmp_path)).text
    said.pop("efficiency")
    assert "at a budget of tokens" not in Page(write_report(rows, said, tmp_path)).text
