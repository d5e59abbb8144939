"""A real browser opens the page, clicks through it, and finds nothing amiss and nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from idf.evaluation import Response, Row, baseline_cells, summarize, write_report
from idf.evaluation.run.queries import Ask
from idf.evaluation.run.score import scored
from idf.scoring import write_answer
from idf.suites import Item
from idf.worlds import WORLDS
from tests.evaluation.samples import ITEMS, row
from tests.looks import LOST
from tests.sentences import says
from tests.worlds.samples import problem


def long(world: str) -> Item:
    """Of some items of a world the one in which most moves."""
    some = [problem(world, "eval", index, "medium") for index in range(6)]
    return Item(f"{world}:medium:0", max(some, key=lambda one: len(WORLDS[world].solve(one))))


EVERY_WORLD = [long(world) for world in WORLDS]
MODES = ("vqa", "tqa", "vtqa")
NASTY = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\u2028\u202e\ud800 {{ run }} 汉字"


def solution(item: Item) -> str:
    world = WORLDS[item.problem.world]
    answer = write_answer(world.answer_kind(item.problem), world.truth(item.problem))
    return f"{world.narrate(item.problem)}\nAnswer: {answer}"


def spoiled(item: Item) -> str:
    """A solution whose last step claims the start's state again."""
    world, lines = WORLDS[item.problem.world], solution(item).splitlines()
    last = len(world.solve(item.problem))
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{last}. "))
    lines[at] = f"{lines[at].partition(':')[0]}: {world.line(item.problem.start)}"
    return "\n".join(lines)


def report(
    rows: list[Row], out: Path, items: list[Item] | None = None, pictures: int | None = None, **more: Any
) -> str:
    results = {**summarize(rows), "run": {"evaluated": "me", "suite": "mine", "prompts": "idf-long-1"}}
    return write_report(rows, results, out, items, pictures, **more).as_uri()


def visit(page: Any, address: str) -> None:
    """Open a report, and wait until its first response is shown."""
    page.goto(address)
    settle(page)


def settle(page: Any) -> None:
    """Wait until the chosen response is shown: its part of the data is inflated first."""
    page.wait_for_selector("html.js #item:not([aria-busy])", state="attached")


def press(page: Any, key: str) -> None:
    page.keyboard.press(key)
    settle(page)


def choose(page: Any, filter: str, value: str) -> None:
    page.select_option(f"select[name={filter}]", value)
    settle(page)


def chosen(page: Any) -> str:
    return str(page.inner_text("#item h3.name"))


def follow(page: Any, link: str) -> None:
    """Click on a link, and wait until the page has followed it: browsers do that a moment later."""
    page.evaluate(FOLLOWED)
    page.click(link)
    page.evaluate("window.followed")
    settle(page)


FOLLOWED = """() => { window.followed = new Promise((done, fail) => {
  window.addEventListener("hashchange", () => done(), { once: true });
  setTimeout(() => fail("the link led nowhere"), 20000);
}); }"""


def listed(page: Any) -> list[str]:
    return [str(text) for text in page.locator("#rows .name").all_inner_texts()]


@pytest.fixture
def usual(page: Any, tmp_path: Path) -> Any:
    """A page of eight items in three modes: all right in tqa, all spoiled or wrong elsewhere."""
    rows = [scored(Ask(item, "tqa"), Response(solution(item))) for item in ITEMS]
    rows += [scored(Ask(item, "vqa"), Response("Answer: none", 5, 7, "length")) for item in ITEMS]
    rows += [scored(Ask(item, "vtqa"), Response("I cannot say")) for item in ITEMS]
    visit(page, report(rows, tmp_path, ITEMS, pictures=6))
    return page


def test_the_summary_has_players_as_columns_and_means_as_rows(page, tmp_path):
    rows = [scored(Ask(item, mode), Response(solution(item))) for mode in ("vqa", "tqa") for item in ITEMS]
    players = baseline_cells(ITEMS, ["vqa", "tqa"])
    results = {**summarize(rows), "run": {"evaluated": "me"}, "baselines": players}
    visit(page, write_report(rows, results, tmp_path, ITEMS).as_uri())
    header = page.locator("table.summary thead th").all_inner_texts()
    at = header.index("initial") + 1  # the accuracy takes two columns
    assert header[at] == "random"
    spans = page.locator("table.summary tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0))"
    )
    assert len(set(spans)) == 1, "every row is as wide as the header"
    shown = page.locator("table.summary tr.all").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(c => c.innerText))"
    )
    assert [row[1] for row in shown] == ["vqa", "tqa"] * 3
    assert [row[0] for row in shown if row[0]] == ["Cube rolling", "Moving box", "Mean over worlds"]
    shares = [players[world]["tqa"]["all"] for world in ("cube_rolling", "moving_box")]
    for line, mean in zip(
        shown[1::2], [*shares, {name: (shares[0][name] + shares[1][name]) / 2 for name in shares[0]}]
    ):
        assert line[at : at + 2] == [f"{mean[name]:.1%}" for name in ("initial", "random")]
    assert page.locator("table.summary tr.part").first.is_hidden()
    page.check("#parts")
    assert page.locator("table.summary tr.part").first.is_visible()


def test_filters_narrow_the_list_and_can_be_taken_back(usual):
    assert usual.inner_text("#count") == "1–24 of 24"
    choose(usual, "world", "moving_box")
    assert set(listed(usual)) == {item.id for item in ITEMS if item.problem.world == "moving_box"}
    choose(usual, "difficulty", "easy")
    choose(usual, "mode", "vqa")
    assert listed(usual) == ["moving_box:easy:0", "moving_box:easy:1"]
    assert usual.inner_text("#count") == "1–2 of 2, 24 in all"
    assert chosen(usual) == "moving_box:easy:0"
    choose(usual, "outcome", "correct")
    says(usual.inner_text("#item"), "no response")
    usual.click("#reset")
    assert len(listed(usual)) == 24
    choose(usual, "outcome", "cause:format")
    assert len(listed(usual)) == 16
    choose(usual, "outcome", "truncated")
    assert len(listed(usual)) == 8
    choose(usual, "outcome", "not correct")
    assert len(listed(usual)) == 16
    usual.fill("input[name=search]", "Medium:1")
    assert set(listed(usual)) == {"cube_rolling:medium:1", "moving_box:medium:1"}


def test_a_click_opens_a_response_and_the_address_names_it(usual):
    follow(usual, "#rows a[aria-label^='moving_box:easy:0, tqa']")
    assert chosen(usual) == "moving_box:easy:0"
    assert usual.url.endswith("#moving_box%3Aeasy%3A0%40tqa")
    assert usual.inner_text("#response").strip() == solution(ITEMS[4]).strip()
    assert usual.locator("#item .verdict b").first.inner_text() == "correct"
    assert "A storekeeper pushes a box" in usual.inner_text("#question")
    assert usual.locator("#item img").evaluate("image => image.complete && image.naturalWidth > 50")
    follow(usual, ".siblings a:has-text('vqa') >> nth=0")
    assert usual.url.endswith("#moving_box%3Aeasy%3A0%40vqa")


def test_keys_go_to_the_next_and_the_previous_response(usual):
    first = usual.inner_text(".siblings a[aria-current]")
    press(usual, "ArrowRight")
    assert usual.inner_text(".siblings a[aria-current]") != first
    press(usual, "ArrowLeft")
    press(usual, "ArrowLeft")  # there is none before the first
    assert usual.inner_text(".siblings a[aria-current]") == first
    press(usual, "/")
    usual.keyboard.type("easy")
    settle(usual)
    press(usual, "ArrowLeft")  # moves in the text, not in the list
    assert chosen(usual) == "cube_rolling:easy:0"
    usual.locator("#rows a").first.focus()
    press(usual, "ArrowDown")
    press(usual, "ArrowDown")
    press(usual, "ArrowDown")
    assert chosen(usual) == "cube_rolling:easy:1"


@pytest.mark.parametrize("target", ["moving_box:medium:0", "moving_box%3Amedium%3A0%40vqa"])
def test_a_deep_link_opens_its_response(page, tmp_path, target):
    rows = [scored(Ask(item, "vqa"), Response("none")) for item in ITEMS]
    visit(page, f"{report(rows, tmp_path)}#{target}")
    assert chosen(page) == "moving_box:medium:0"
    assert page.evaluate("scrollY") > 0
    page.evaluate(FOLLOWED)
    page.evaluate("location.hash = '#cube_rolling:easy:1'; window.followed")
    settle(page)
    assert chosen(page) == "cube_rolling:easy:1"


def test_a_bar_leads_to_what_it_counts(usual):
    follow(usual, "a.seg[aria-label^='Moving box, easy: unparsed']")
    assert set(listed(usual)) == {"moving_box:easy:0", "moving_box:easy:1"}
    assert usual.locator("#item .verdict b").first.inner_text() == "unparsed"


def test_difficulties_can_be_unfolded(usual):
    assert not usual.locator("tr.part").first.is_visible()
    usual.check("#parts")
    assert usual.locator("tr.part").first.is_visible()


def test_what_is_cut_off_and_what_has_no_picture_is_said(usual):
    says(usual.locator(".notice.loud").first.inner_text(), "cut off", "4 cells")
    says(usual.inner_text("#held"), "pictures", "6 of 8 items")


@pytest.mark.parametrize("item", EVERY_WORLD, ids=lambda item: item.problem.world)
def test_the_replay_steps_through_both_courses_and_marks_the_first_error(page, tmp_path, item):
    last = len(WORLDS[item.problem.world].solve(item.problem))
    visit(page, report([scored(Ask(item, "vtqa"), Response(spoiled(item)))], tmp_path, [item]))
    assert page.locator(".steps tbody tr").count() == last + 1
    assert page.inner_text("#step").startswith(f"step {last} of {last}")
    assert page.inner_text(".steps tr.first td >> nth=0") == str(last)
    assert "first error" in page.inner_text(".steps tr.first")
    assert page.locator(".states svg").count() == 2
    page.click("#step-back")
    assert page.inner_text(".steps tr.now td >> nth=0") == (str(last - 1) if last > 1 else "start")
    assert "as it is" in page.inner_text(".states")
    page.click(".steps tbody tr >> nth=0")
    assert page.inner_text("#step").startswith(f"start, {last} step")
    page.click("#step-on")
    assert page.inner_text("#step").startswith(f"step 1 of {last}")
    page.click("#first-error")
    assert page.inner_text(".steps tr.now td >> nth=0") == str(last)


def test_an_illegal_move_ends_the_replay_with_its_reason(page, tmp_path):
    item = EVERY_WORLD[list(WORLDS).index("moving_box")]
    visit(page, report([scored(Ask(item, "vqa"), Response("Answer: u u u u u u u u u d"))], tmp_path, [item]))
    assert "is illegal" in page.inner_text(".steps tr.first")
    says(page.inner_text("#item"), "further moves", "not replayed")


def test_what_a_model_says_is_shown_and_never_run(page, tmp_path):
    said = dict.fromkeys(("id", "detail", "difficulty", "cause_detail", "parsed"), NASTY)
    said |= {"world": NASTY.replace("\ud800", "")}  # the statistics take the UTF-8 of a world's name
    visit(page, report([row(response=NASTY, cause="format", **said), row()], tmp_path))
    follow(page, "a.seg[aria-label^='Cube rolling']")
    page.click("#reset")
    follow(page, "#rows a[aria-label*='hacked']")
    assert page.evaluate("document.getElementById('response').textContent") == NASTY.replace("\ud800", "\\ud800")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


def test_rows_alone_are_shown_with_the_reason_why_there_is_no_more(page, tmp_path):
    visit(page, report([row()], tmp_path))
    says(page.inner_text("#held"), "only", "stored responses")
    assert page.inner_text("#response") == "Answer: red"
    assert page.locator(".steps").count() == 0


def test_several_samples_of_an_item_are_told_apart(page, tmp_path):
    visit(page, report([row(sample=n, response=f"sample {n}") for n in range(3)], tmp_path))
    follow(page, ".siblings a >> nth=2")
    assert page.inner_text("#response") == "sample 2"
    assert page.url.endswith("%40tqa.2")


def test_a_long_list_is_shown_a_page_at_a_time(page, tmp_path):
    visit(page, report([row(id=f"cube_rolling:easy:{n}") for n in range(230)], tmp_path) + "#cube_rolling:easy:150")
    assert page.inner_text("#count") == "101–200 of 230"
    assert chosen(page) == "cube_rolling:easy:150"
    page.click("#on")
    assert len(listed(page)) == 30
    assert page.is_disabled("#on")
    page.click("#back")
    follow(page, "#rows a >> nth=99")
    press(page, "ArrowRight")  # over the edge of the page
    assert page.inner_text("#count") == "201–230 of 230"


def test_of_keys_pressed_faster_than_parts_are_inflated_the_last_one_counts(page, tmp_path):
    rows = [row(id=f"cube_rolling:easy:{n}", response=f"{n} " + "a" * 100_000) for n in range(40)]
    visit(page, report(rows, tmp_path))
    page.evaluate("""for (let n = 0; n < 30; n++)
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))""")
    settle(page)
    assert chosen(page) == "cube_rolling:easy:30"
    assert page.inner_text("#response").startswith("30 ")
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))")
    page.fill("input[name=search]", "nobody")  # a choice of none overtakes one that is on its way, too
    settle(page)
    says(page.inner_text("#item"), "no response")


def test_a_response_that_is_left_out_is_listed_with_its_line_of_the_samples(page, tmp_path):
    rows = [scored(Ask(item, mode), Response("Answer: none")) for item in ITEMS for mode in ("tqa", "vqa")]
    visit(page, report(rows, tmp_path, ITEMS, most_responses=4))
    says(page.inner_text(".notices"), "4 of 16 responses", "12 left out", "samples.jsonl")
    assert page.inner_text("#count") == "1–16 of 16"
    assert page.locator("#response").count() == 1, "the page opens with a response that it holds"
    line = next(n for n, one in enumerate(rows, 1) if (one.id, one.mode) == ("moving_box:medium:1", "vqa"))
    follow(page, "#rows a[aria-label^='moving_box:medium:1, vqa']")
    assert page.inner_text("#item .verdict b >> nth=0") == rows[line - 1].error
    assert page.locator("#response").count() == 0
    says(page.inner_text("#left-out"), "not in this page", "samples.jsonl", f"line {line}")
    choose(page, "response", "here")
    assert page.inner_text("#count") == "1–4 of 4, 16 in all"
    for _ in range(4):
        assert page.inner_text("#response") == "Answer: none"
        press(page, "ArrowRight")


def test_a_browser_that_cannot_inflate_the_data_is_told_so(chromium, tmp_path):
    page = chromium.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(report([row()], tmp_path))
    says(page.inner_text("#held.loud"), "DecompressionStream")
    assert page.inner_text("table.summary tr.all td.share >> nth=0") == "0.0%"
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 700, 1280])
def test_the_page_is_as_wide_as_the_screen(chromium, tmp_path, scheme, width):
    rows = [scored(Ask(item, mode), Response(solution(item), 5, 70, "stop")) for mode in MODES for item in EVERY_WORLD]
    context = chromium.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    visit(page, report(rows, tmp_path, EVERY_WORLD))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    context.close()


def test_a_phone_loses_nothing_of_the_page(chromium, tmp_path):
    long = "a_suite_with_a_long_name_of_its_own_and_more:easy:12"
    rows = [scored(Ask(item, mode), Response(spoiled(item), 5, 70, "stop")) for mode in MODES for item in EVERY_WORLD]
    context = chromium.new_context(viewport={"width": 390, "height": 800}, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    visit(page, report([*rows, row(id=long, response="x" * 500, seconds=12.5)], tmp_path, EVERY_WORLD))
    page.check("#parts")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("innerWidth") == 390
    assert page.evaluate(LOST) == []
    for world in WORLDS:
        choose(page, "world", world)
        assert page.evaluate(LOST) == []
    page.click("#reset")
    page.fill("input[name=search]", long)
    settle(page)
    assert chosen(page) == long
    says(page.inner_text("#item"), "12.5 s")
    assert page.evaluate(LOST) == []
    context.close()


# Of every text on the page, those whose contrast to what is behind them is below 4.5 (WCAG 2, AA).
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = colour => colour.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest("svg, script, style, :disabled")) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const [a, b] = [light(rgb(...behind)), light(rgb(...behind, getComputedStyle(element).color))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) poor.push(`${element.tagName}.${element.className}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(poor)];
}"""
