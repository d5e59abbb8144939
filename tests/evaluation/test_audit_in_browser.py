"""A person marks rows in a real browser; whatever a model says stays text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import draw_audit, take_marks
from idf.evaluation.metrics.audit_draw import READ, UNREAD
from tests.cli.running import run
from tests.evaluation.auditing import data_of, evaluated, marked, some
from tests.evaluation.folders import folder
from tests.evaluation.samples import row
from tests.evaluation.test_report_in_browser import CONTRAST
from tests.sentences import refused, says

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\u2028\u202e {{ run }} <b>汉字</b>"


def saved(page: Any, path: Path) -> Path:
    with page.expect_download() as caught:
        page.keyboard.press("s")
    caught.value.save_as(path)
    return path


def test_rows_are_marked_by_keys_saved_given_back_and_told_in_the_report(page, small_suite, tmp_path):
    out, file = evaluated(small_suite, tmp_path / "run"), tmp_path / "a.html"
    draw_audit(out, file, rows=10)
    strata = [one["stratum"] for one in data_of(file)["rows"]]
    page.goto(file.as_uri())
    assert page.inner_text("#progress") == "0 of 10 marked"
    says(page.inner_text(".lead"), "neither true answers nor scores")
    page.keyboard.press("2")
    assert page.inner_text("#progress").startswith("1 of 10 marked")
    assert page.inner_text("#which").startswith("row 2 of 10")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute(".marks [data-mark=wrong]", "aria-pressed") == "true"
    page.keyboard.press("n")
    page.keyboard.type("1 is no mark here")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    for _ in range(4):
        page.keyboard.press("1")
    page.keyboard.press("3")
    page.fill("#person", "Eve")
    page.keyboard.press("Escape")
    half = saved(page, tmp_path / "half.json")
    assert page.inner_text("#progress") == "6 of 10 marked"
    page.goto(file.as_uri())  # another day
    page.set_input_files("#file", half)
    page.wait_for_function("document.getElementById('progress').textContent.startsWith('6 of 10')")
    assert page.input_value("#person") == "Eve"
    assert page.inner_text("#which").startswith("row 7 of 10")
    assert (
        "wrongly unread" in page.inner_text(".marks")
        if strata[6] == UNREAD
        else "read wrongly" in page.inner_text(".marks")
    )
    for key in "1111":
        page.keyboard.press(key)
    whole = saved(page, tmp_path / "whole.json")
    told = json.loads(whole.read_text())
    assert [line["mark"] for line in told["marks"]] == ["wrong", *["right"] * 4, "unsure", *["right"] * 4]
    assert told["marks"][0]["note"] == "1 is no mark here"
    assert run("audit", out, "--marks", whole) == 0
    page.goto((out / "report.html").as_uri())
    section = page.inner_text("#reading")
    kind = "read wrongly" if strata[0] == READ else "wrongly unread"
    says(section, "on 10 of 20 responses", "Eve", kind)
    page.click("#reading details summary")
    says(page.inner_text("#reading details li"), kind, "1 is no mark here", told["marks"][0]["id"])


def test_what_a_model_says_is_shown_whole_and_never_run(page, tmp_path):
    long = "lorem " * 30_000 + "x" * 60_000
    rows = [
        row(id="long", response=f"{long}\nAnswer: blue\n{'tail ' * 3000}", parsed="blue"),
        row(id=HOSTILE, response=HOSTILE, parsed=HOSTILE, world=HOSTILE, quote=HOSTILE),
        row(id="half", response="half \ud800", parsed=None, error="unparsed", detail=HOSTILE),
    ]
    out = folder(tmp_path / "run", rows, evaluated=HOSTILE)
    draw_audit(out, tmp_path / "a.html")
    page.goto((tmp_path / "a.html").as_uri())
    shown = {}
    for one in data_of(tmp_path / "a.html")["rows"]:
        shown[one["id"]] = page.evaluate("document.getElementById('response').textContent")
        if one["id"] == "long":
            assert page.inner_text("#response mark") == "blue"
            inside = """() => { const pane = document.getElementById("response"), found = pane.querySelector("mark");
              const y = found.offsetTop - pane.scrollTop; return y > 0 && y < pane.clientHeight && pane.scrollTop > 500; }"""
            assert page.evaluate(inside)
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        page.keyboard.press("ArrowRight")
    assert shown == {"long": rows[0].response, HOSTILE: HOSTILE, "half": "half \\ud800"}
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    for key in "111":
        page.keyboard.press(key)
    told = json.loads(saved(page, tmp_path / "m.json").read_text())
    assert {line["id"] for line in told["marks"]} == {"long", HOSTILE, "half"}
    with refused("suites/demo"):  # not there, so that only the Markdown is written
        take_marks(out, tmp_path / "m.json")
    assert "<script>" not in (out / "report.md").read_text()


def test_marks_of_another_page_are_refused_in_the_page(page, tmp_path):
    out = folder(tmp_path / "run", some(20, 5))
    for seed in (0, 1):
        draw_audit(out, tmp_path / f"{seed}.html", rows=5, seed=seed)
    other = marked(tmp_path / "1.html", tmp_path / "m.json")
    page.goto((tmp_path / "0.html").as_uri())
    page.set_input_files("#file", other)
    page.wait_for_selector("#amiss:not([hidden])")
    says(page.inner_text("#amiss"), "m.json", "another page", "--seed")
    assert page.inner_text("#progress") == "0 of 5 marked"
    (tmp_path / "n.json").write_text("no")
    page.set_input_files("#file", tmp_path / "n.json")
    page.wait_for_function("document.getElementById('amiss').textContent.includes('not JSON')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 700, 1280])
def test_the_page_is_as_wide_as_the_screen(chromium, tmp_path, scheme, width):
    draw_audit(folder(tmp_path / "run", some(40, 20)), tmp_path / "a.html")
    context = chromium.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "a.html").as_uri())
    for key in "123":
        page.keyboard.press(key)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1280:
        assert page.evaluate("document.documentElement.scrollHeight") <= 700
    assert page.evaluate(CONTRAST) == []
    context.close()
