"""The table and the page: what a model says is shown as text and never becomes part of the page."""

from __future__ import annotations

import io
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from idf.drawing import decode_png, draw, encode_png
from idf.evaluation import Row, summarize, write_report
from idf.suites import Item
from tests.evaluation.samples import ITEMS, inflated, row
from tests.sentences import line_that_says, says


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
        return inflated(self.scripts[name])


def page(
    rows: list[Row],
    out: Path,
    *,
    items: list[Item] | None = None,
    pictures: int | None = None,
    limits: dict[str, int] | None = None,
    **run: Any,
) -> Page:
    path = write_report(rows, results(rows, **run), out, items, pictures, **(limits or {}))
    assert path == out / "report.html"
    return Page(path)


NASTY = "</script><script>alert('x')</script></pre><img src=x onerror=alert(1)> & \"quoted\" {{ run }} \u2028\ud800"


def test_a_response_is_kept_to_the_letter_and_becomes_no_part_of_the_page(tmp_path):
    plain, shown = page([row()], tmp_path), page([row(response=NASTY)], tmp_path)
    assert shown.part("details-0")["rows"][0]["response"] == NASTY
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
    assert page([row()], tmp_path).part("places")["items"] is False


def test_a_page_says_how_many_items_have_no_picture(tmp_path):
    shown = page([row(id=item.id) for item in ITEMS], tmp_path, items=ITEMS, pictures=3)
    assert shown.part("places")["pictures"] == [3, len(ITEMS)]
    assert sum(item["picture"] is not None for item in shown.part("details-0")["items"]) == 3


def test_a_small_picture_of_the_suite_is_shown_as_it_is_and_any_other_drawn(tmp_path):
    item = ITEMS[0]
    mine = {"small": (56, 84), "large": (400, 400), "gone": None, "foreign": (56, 84)}
    items = [replace(item, id=name, picture=tmp_path / f"{name}.png") for name in mine]
    for name, size in mine.items():
        if size:
            pixels = np.full((*size, 3), 200, np.uint8)
            pixels[8:40, 8:40] = (10, 90, 170)
            (tmp_path / f"{name}.png").write_bytes(encode_png(pixels))
    with Image.open(tmp_path / "foreign.png") as file:
        file.save(tmp_path / "foreign.png")
    shown = page([row(id=name) for name in mine], tmp_path, items=[*items, item])
    told = dict(zip(mine, shown.part("details-0")["items"], strict=True))
    pictures = {name: png_of(about["picture"]) for name, about in told.items()}
    assert np.array_equal(pictures["small"], decode_png((tmp_path / "small.png").read_bytes()))
    drawn = draw(item.problem, 80_000)
    for name in ("large", "gone", "foreign"):
        assert pictures[name].shape == drawn.shape
        assert np.abs(pictures[name].astype(int) - drawn).mean() < 2, "a few colours, the same picture"


def png_of(address: str) -> Any:
    with Image.open(io.BytesIO(b64decode(address.removeprefix("data:image/png;base64,")))) as file:
        return np.array(file.convert("RGB"))


def test_a_page_stays_within_its_size_and_says_how_many_responses_are_left_out_and_why(tmp_path):
    rng = Random(0)
    rows = [
        row(id=f"{item.id}:{n}", world=item.problem.world, response=rng.randbytes(9_000).hex(), correct=n % 2 == 0)
        for n in range(100)
        for item in ITEMS
    ]
    rows[5] = replace(rows[5], response="a" * 3_000_000, cause_detail="b" * 3_000_000, cause="format")
    items = [replace(item, id=f"{item.id}:{n}") for n in range(100) for item in ITEMS]
    shown = page(rows, tmp_path, items=items, limits={"most_bytes": 1_500_000})
    assert 1_300_000 < (tmp_path / "report.html").stat().st_size <= 1_500_000
    held = sum(len(inside) for inside, _ in shown.part("places")["parts"])
    assert len(shown.part("index")) == 800
    line_that_says(
        shown.text.splitlines(), f"{held} of 800", f"{800 - held} left out", "1 longer", "1.5 MB", "samples.jsonl"
    )


def test_a_page_of_few_responses_says_nothing_of_a_limit(tmp_path):
    assert "samples.jsonl" not in page([row(id=f"a{n}") for n in range(5)], tmp_path, limits={"most_responses": 5}).text
    shown = page([row(id=f"a{n}") for n in range(6)], tmp_path, limits={"most_responses": 5})
    line_that_says(shown.text.splitlines(), "5 of 6", "1 beyond the 5")


def test_an_example_of_a_cause_is_in_the_page_if_anything_is(tmp_path):
    rows = [row(id=f"a{n}", cause="format") for n in range(50)] + [row(id="rare", cause="perception")]
    shown = page(rows, tmp_path, limits={"most_responses": 7})
    held = {shown.part("index")[at][0] for at in shown.part("places")["parts"][0][0]}
    assert held == {"a0", "a1", "a2", "a3", "a4", "a5", "rare"}


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
