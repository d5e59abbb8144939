"""What the browser of responses holds: replays beside the world, questions as they were asked, pictures up to a number."""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idf.drawing import draw
from idf.evaluation import Response, Row
from idf.evaluation.report.browser import MOST_CHARACTERS, PART_RESPONSES, Browser, browser_data
from idf.evaluation.report.details import replay
from idf.evaluation.run.queries import Ask
from idf.evaluation.run.score import scored
from idf.scoring import write_answer
from idf.suites import Item, prompt_text
from idf.worlds import WORLDS, Problem
from tests.evaluation.samples import ITEMS, inflated, row
from tests.worlds.samples import problem

BOX = Item("moving_box:medium:0", problem("moving_box", "eval", 0, "medium"))


def solution(item: Item) -> str:
    """What the solver says, with its answer line."""
    world = WORLDS[item.problem.world]
    answer = write_answer(world.answer_kind(item.problem), world.truth(item.problem))
    return f"{world.narrate(item.problem)}\nAnswer: {answer}"


def _moving(world: str) -> list[Problem]:
    """Problems in which something moves."""
    some = [problem(world, "eval", index, "medium") for index in range(8)]
    return [one for one in some if WORLDS[world].solve(one)]


def replayed(item: Item, response: str, **changes: Any) -> dict[str, Any]:
    return replay(item.problem, replace(scored(Ask(item, "tqa"), Response(response)), **changes))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_every_step_of_the_solver_is_found_true(world, difficulty):
    item = Item("a", problem(world, "eval", 1, difficulty))
    steps = len(WORLDS[world].solve(item.problem))
    said = replayed(item, solution(item))
    assert said["claims"] == {number: (True, "") for number in range(steps + 1)}
    assert said["first"] is None
    assert said["stop"] is None


@pytest.mark.parametrize("world", WORLDS)
def test_a_state_told_wrong_is_the_first_error_and_its_words_are_kept(world):
    item, other = [Item(str(n), some) for n, some in enumerate(_moving(world)[:2])]
    mine, its = solution(item).splitlines(), WORLDS[world].line(other.problem.start)
    at = next(number for number, line in enumerate(mine) if line.startswith("1. "))
    mine[at] = f"{mine[at].partition(':')[0]}: {its}"
    said = replayed(item, "\n".join(mine))
    assert said["first"] == 1
    assert said["claims"][0] == (True, "")
    assert said["claims"][1] == (False, mine[at])


def test_a_plan_is_replayed_up_to_its_first_illegal_move():
    world, start = WORLDS["moving_box"], BOX.problem.start
    legal = world.legal_actions(start)[0]
    then = world.step(start, legal)
    illegal = next(move for move in world.actions if move not in world.legal_actions(then))
    said = replayed(BOX, f"Answer: {legal} {illegal} {legal}")
    assert said["along"] == "answer"
    assert said["states"] == [world.line(start), world.line(then)]
    assert said["stop"].startswith(f"move 2 ({illegal}) is illegal: ")
    assert said["first"] == 2


def test_the_step_that_a_diagnosis_blames_is_the_first_error():
    assert replayed(BOX, solution(BOX), wrong_step=3)["first"] == 3


def test_an_action_that_is_not_the_one_of_the_plan_is_an_error():
    lines = solution(BOX).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("2. "))
    other = {"u": "d", "d": "u", "l": "r", "r": "l"}[lines[at][3]]
    lines[at] = f"2. {other}:{lines[at].partition(':')[2]}"
    said = replayed(BOX, "\n".join(lines))
    assert said["first"] == 2
    assert said["claims"][2] == (False, lines[at])


def test_without_an_answer_the_claimed_moves_are_replayed():
    plan = list(WORLDS["moving_box"].solve(BOX.problem))
    said = replayed(BOX, WORLDS["moving_box"].narrate(BOX.problem))
    assert said["along"] == "claims"
    assert said["actions"] == plan


def test_without_any_move_an_optimal_plan_is_shown():
    said = replayed(BOX, "I do not know")
    assert (said["along"], said["actions"], said["states"], said["claims"]) == ("course", None, None, {})


def test_an_empty_plan_is_replayed_as_one():
    said = replayed(BOX, "Answer: none")
    assert (said["along"], said["actions"]) == ("answer", [])
    assert said["states"] == [WORLDS["moving_box"].line(BOX.problem.start)]


def test_a_step_beyond_the_last_is_an_error():
    said = replayed(BOX, f"{solution(BOX)}\n".replace("Answer", "99. u: player (1,1) box (1,2)\nAnswer"))
    assert said["first"] == 99


def test_the_last_word_on_a_step_counts():
    lines = solution(BOX).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("1. "))
    wrong = f"{lines[at].partition(':')[0]}: player (0,0) box (0,1)"
    said = replayed(BOX, "\n".join([*lines[:at], wrong, *lines[at:]]))
    assert said["claims"][1] == (True, "")


# --- all of it ---------------------------------------------------------------------------------------------------


def rows_of(items: list[Item], *modes: str) -> list[Row]:
    return [scored(Ask(item, mode), Response(solution(item))) for mode in modes for item in items]


class Held:
    """What a browser's parts hold, inflated."""

    def __init__(self, browser: Browser) -> None:
        self.rows = inflated(browser.parts["index"])
        self.places = inflated(browser.parts["places"])
        parts = [inflated(text) for name, text in browser.parts.items() if name.startswith("details-")]
        self.sizes = [len(part["rows"]) for part in parts]
        self.details: dict[int, dict[str, Any]] = {}
        self.items: dict[int, dict[str, Any]] = {}
        for (rows, items), part in zip(self.places["parts"], parts, strict=True):
            self.details |= dict(zip(rows, part["rows"], strict=True))
            self.items |= dict(zip(items, part["items"], strict=True))

    @property
    def listed(self) -> list[list[Any]]:
        """The lines of the list that have details, in the order in which they were taken."""
        return [self.rows[at] for at in self.details]


def held(rows: list[Row], items: list[Item] | None, prompts: str | None = None, *rest: Any, **more: Any) -> Held:
    return Held(browser_data(rows, items, prompts, *rest, **more))


def test_the_parts_hold_every_row_and_every_item_once_whatever_the_modes():
    data = held(rows_of(ITEMS, "vqa", "tqa", "vtqa"), ITEMS, "idf-long-1")
    assert sorted(data.details) == list(range(3 * len(ITEMS)))
    assert sorted(data.items) == list(range(len(ITEMS)))
    assert data.places["pictures"] == [len(ITEMS), len(ITEMS)]
    assert [line[2] for line in data.rows[:3]] == ["vqa", "tqa", "vtqa"]
    assert len({line[0] for line in data.rows[:3]}) == 1


def test_a_part_has_no_more_than_its_share():
    data = held([row(id=f"a{number}") for number in range(PART_RESPONSES + 1)], None)
    assert data.sizes == [PART_RESPONSES, 1]
    assert len(held([row(id=f"a{number}", response="a" * 100_000) for number in range(9)], None).sizes) == 3


def test_the_question_is_the_one_that_was_asked():
    data = held(rows_of(ITEMS[:1], "vqa", "tqa"), ITEMS, "idf-short-1")
    asked = {mode: [prompt_text(ITEMS[0].problem, mode, "idf-short-1"), ""] for mode in ("vqa", "tqa")}
    assert data.items[0]["questions"] == asked


def test_a_question_of_unknown_prompts_is_not_made_up():
    data = held(rows_of(ITEMS[:1], "vqa"), ITEMS, "somebody's")
    text, why = data.items[0]["questions"]["vqa"]
    assert text is None
    assert "unknown prompts" in why


def test_a_published_question_is_shown_in_its_published_words():
    item = Item("a:0", ITEMS[0].problem, published="Which one?")
    data = held(rows_of([item], "vqa"), [item], "official-2025-question")
    assert data.items[0]["questions"] == {"vqa": ["Which one?", ""]}


def test_pictures_are_dealt_to_worlds_and_difficulties_in_turn():
    data = held(rows_of(ITEMS, "vqa"), ITEMS, None, 4)
    pictured = [data.items[number]["picture"] is not None for number in range(len(ITEMS))]
    assert pictured == [True, False] * 4  # ITEMS holds two of each of four kinds
    assert data.places["pictures"] == [4, 8]


@pytest.mark.parametrize("world", WORLDS)
def test_a_picture_of_few_colours_keeps_those_of_small_things(world):
    item = Item("a", problem(world, "eval", 1, "medium"))
    data = held([row(id="a", world=world)], [item])
    file = b64decode(data.items[0]["picture"].removeprefix("data:image/png;base64,"))
    shown = np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)
    assert np.abs(shown - draw(item.problem, 80_000)).max() < 64  # median cut is off by up to 196


def test_without_items_there_is_neither_question_nor_replay():
    data = held(rows_of(ITEMS, "vqa"), None)
    assert data.places["items"] is False
    assert not data.items
    assert {entry["replay"] for entry in data.details.values()} == {None}


def test_a_response_to_an_item_that_is_not_at_hand_has_no_replay():
    data = held([row(id="elsewhere")], ITEMS)
    assert data.rows[0][7] is None
    assert data.details[0]["replay"] is None


# --- which responses a page has room for -------------------------------------------------------------------------


def many(n: int, **changes: Any) -> list[Row]:
    """Rows of two worlds, two modes and two difficulties, one in three of them right."""
    return [
        row(id=f"{w}:{d}:{i}", world=w, mode=m, difficulty=d, correct=i % 3 == 0, **changes)
        for w in ("cube_rolling", "moving_box")
        for d in ("easy", "hard")
        for i in range(n)
        for m in ("vqa", "tqa")
    ]


def kinds(lines: list[list[Any]]) -> list[tuple[str, str, str]]:
    return [(world, mode, difficulty) for _, world, mode, difficulty, *_ in lines]


def test_false_responses_of_every_world_mode_and_difficulty_come_first():
    data = held(many(9), None, most_responses=16)
    assert len(set(kinds(data.listed[:8]))) == 8
    assert len(set(kinds(data.listed[8:]))) == 8
    assert {line[4] for line in data.listed} == {"wrong"}
    data = held(many(9), None, most_responses=6 * 8 + 8)  # six of nine in each of eight kinds are false
    assert [line[4] for line in data.listed] == ["wrong"] * 48 + ["correct"] * 8
    assert len(set(kinds(data.listed[48:]))) == 8


def test_first_samples_come_before_second_ones():
    rows = [row(id=f"a{n}", sample=sample) for n in range(5) for sample in range(3)]
    assert [line[6] for line in held(rows, None, most_responses=7).listed] == [0] * 5 + [1] * 2


def test_rows_that_the_page_links_to_come_before_all_others():
    rows = many(9)
    data = held(rows, None, first=[rows[-1], rows[0]], most_responses=3)
    assert {(line[0], line[2]) for line in data.listed[:2]} == {(one.id, one.mode) for one in (rows[-1], rows[0])}


def test_every_row_stays_in_the_list_with_its_line_of_the_samples():
    rows = many(9)
    data = held(rows, None, most_responses=5)
    assert len(data.rows) == len(rows)
    for id, _, mode, *_, line in data.rows:
        assert (rows[line - 1].id, rows[line - 1].mode) == (id, mode)


def test_an_item_of_which_no_response_is_held_has_no_details():
    data = held(rows_of(ITEMS, "vqa", "tqa"), ITEMS, most_responses=3)
    assert {data.rows[at][7] for at in data.details} == set(data.items)
    assert len(data.items) <= 3


def test_what_is_left_out_is_counted_by_its_reason():
    rows = [row(id=f"a{n}", response="a" * (MOST_CHARACTERS + (n < 2))) for n in range(10)]
    said = browser_data(rows, None, None, most_responses=5)
    assert (said.held, said.too_long, said.too_many, said.too_large) == (5, 2, 3, 0)


@pytest.mark.parametrize("room", [2_000, 30_000, 31_000, 80_000])
def test_the_parts_take_no_more_than_their_room_whatever_is_said(room):
    rng = np.random.default_rng(0)
    rows = [row(id=f"a{n}", response=rng.bytes(1 + 40 * n).decode("latin-1")) for n in range(60)]
    said = browser_data(rows, None, None, room=room)
    size = sum(
        len(f'<script type="application/zlib" id="{name}">{text}</script>\n') for name, text in said.parts.items()
    )
    assert size <= room
    assert said.too_large == 60 - said.held > 0
    assert said.held == len(Held(said).details)
    assert said.held or room < 10_000


def test_the_same_rows_give_the_same_parts():
    rows = rows_of(ITEMS, "vqa", "tqa")
    assert browser_data(rows, ITEMS, None, room=20_000) == browser_data(list(rows), list(ITEMS), None, room=20_000)
