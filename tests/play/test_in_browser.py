"""Both pages in Chromium, on a phone and at a desk; everything is done by keys alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idf.play._scene import problem_of
from idf.suites import read_suite
from idf.worlds import WORLDS
from tests.evaluation.test_report_in_browser import CONTRAST
from tests.looks import LOST
from tests.play.conftest import asking
from tests.play.test_person import truth
from tests.sentences import says


def status(page: Any, words: str) -> None:
    """Wait until the page says something."""
    page.locator("#status", has_text=words).wait_for()


def pressed(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused_by_tab(page: Any, id: str, most: int = 60) -> None:
    """Go to an element by Tab alone."""
    for _ in range(most):
        if page.evaluate("document.activeElement.id") == id:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not come to {id}")


def looks_well(page: Any) -> None:
    """Nothing sticks out, is cut off, or is too pale; every control has a name."""
    assert page.evaluate(LOST) == []
    assert page.evaluate(CONTRAST) == []
    nameless = """() => [...document.querySelectorAll("button, input, select, textarea, img")]
      .filter(one => one.getClientRects().length)
      .filter(one => !(one.innerText?.trim() || one.alt || one.labels?.length || one.ariaLabel)).map(one => one.outerHTML)"""
    assert page.evaluate(nameless) == []


def test_a_scene_is_solved_undone_prompted_and_judged_by_keys_alone(screen, scene_server):
    screen.goto(scene_server.address)
    status(screen, "The start.")
    looks_well(screen)
    where = {"world": "moving_box", "difficulty": "easy", "seed": 0, "index": 0}
    world, problem = WORLDS["moving_box"], problem_of(where)
    start = screen.inner_text("#state")
    arrows = {"u": "ArrowUp", "d": "ArrowDown", "l": "ArrowLeft", "r": "ArrowRight"}
    illegal = next(move for move in arrows if move not in world.legal_actions(problem.start))
    pressed(screen, arrows[illegal])
    screen.locator("#amiss:not([hidden])").wait_for()
    says(screen.inner_text("#amiss"), "wall")
    assert screen.inner_text("#state") == start
    for move in world.solve(problem):  # the solver's moves, asked for and made
        pressed(screen, "h")
        status(screen, f"Next: {move}.")
        pressed(screen, "m")
    status(screen, "Solved in")
    pressed(screen, "Backspace")
    status(screen, "move")
    pressed(screen, "0", *(arrows[move] for move in world.solve(problem)))  # faster than replies come
    status(screen, "Solved in")
    assert screen.inner_text("#made") == " ".join(world.solve(problem))

    focused_by_tab(screen, "mode")
    pressed(screen, "v", "t")  # a list is chosen from by letters
    focused_by_tab(screen, "response")
    screen.keyboard.type(f"{world.narrate(problem)}\nAnswer: u u u u u u u")
    pressed(screen, "Control+Enter")
    screen.locator("#verdict .bad").wait_for()
    says(screen.inner_text("#verdict"), "illegal")
    focused_by_tab(screen, "judge")
    pressed(screen, "Tab", "Tab", "Enter")  # over the table to its first step
    status(screen, "Step 0 of the response.")
    assert screen.inner_text("#state") == start
    assert screen.get_attribute("#replayed", "src") == screen.get_attribute("#picture", "src")
    looks_well(screen)


# At a desk the two worlds with the widest texts stand for all.
@pytest.mark.parametrize(
    ("screen", "world"),
    [*((390, world) for world in WORLDS), (1280, "rubiks_cube"), (1280, "wood_slide")],
    indirect=["screen"],
)
def test_every_world_is_shown_and_acted_in(screen, scene_server, world):
    screen.goto(scene_server.address)
    status(screen, "The start.")
    screen.select_option("#world", world)
    form = WORLDS[world].answer(problem_of({"world": world, "difficulty": "easy", "seed": 0, "index": 0})).form
    screen.locator("#form", has_text=form).wait_for()
    status(screen, "The start.")
    assert screen.locator("#picture").evaluate("image => image.decode().then(() => image.naturalWidth > 100)")
    looks_well(screen)
    pressed(screen, "1")
    status(screen, "1 move")
    pressed(screen, "n")
    status(screen, "The start.")
    assert screen.input_value("#index") == "1"


def test_what_is_pasted_stays_text(screen, scene_server):
    nasty = "1. l: <img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>\nAnswer: <b>l</b>"
    screen.goto(scene_server.address)
    status(screen, "The start.")
    screen.fill("#response", nasty + "x" * 3000)
    screen.click("#judge")
    screen.locator("#verdict .bad").wait_for()
    assert screen.evaluate("window.hacked") is None
    assert screen.locator("#verdict img, #replay img, #verdict b").count() == 0
    looks_well(screen)


def test_a_person_answers_a_suite_by_keys_alone(screen, few, tmp_path):
    items, out = read_suite(few), tmp_path / "run"
    with asking(few, out) as (address, end):
        screen.goto(address)
        status(screen, "0 of 5")
        looks_well(screen)
        pressed(screen, "Enter")
        screen.locator("#number", has_text="Item 1 of 5").wait_for()
        screen.locator("#item").wait_for()
        assert screen.evaluate("scrollY") == 0, "the picture comes before the answer"
        looks_well(screen)
        screen.keyboard.type("seven")
        pressed(screen, "Enter")
        screen.locator("#amiss:not([hidden])").wait_for()
        says(screen.inner_text("#amiss"), "cannot be read", "colour")
        focused_by_tab(screen, "pause")
        pressed(screen, "Enter")
        status(screen, "Paused")
        assert screen.inner_text("#prompt") == ""
        pressed(screen, "Enter")  # Go on has the focus
        screen.locator("#item").wait_for()
        assert screen.input_value("#answer") == "seven"
        pressed(screen, "Control+a", "Delete")
        for number, item in enumerate(items[:-1], 1):
            screen.locator("#number", has_text=f"Item {number} of 5").wait_for()
            assert screen.inner_text("#prompt").strip().endswith(screen.inner_text("#form"))
            screen.keyboard.type(truth(item))
            pressed(screen, "Enter")
        screen.locator("#number", has_text="Item 5 of 5").wait_for()
        looks_well(screen)
        screen.reload()  # what is answered stays
        status(screen, "4 of 5")
        pressed(screen, "Enter")
        screen.locator("#item").wait_for()
        focused_by_tab(screen, "give-up")
        pressed(screen, "Enter")
        screen.locator("#number", has_text="All is answered").wait_for()
        end()
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert [row["correct"] for row in rows] == [True] * 4 + [False]
    assert all(row["seconds"] > 0 for row in rows)
