"""A scene by hand: any world is acted in, solved by its solver's moves, and its solution is judged right."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from idf.drawing import decode_png, draw
from idf.errors import UserError
from idf.play._scene import _PIXELS, judge, next_move, problem_of, prompt, show
from idf.suites import prompt_text
from idf.worlds import PARTS, WORLDS, IllegalAction
from tests.sentences import refused, says


def scene(world: str, difficulty: str = "easy", index: int = 0) -> dict[str, Any]:
    return {"world": world, "difficulty": difficulty, "seed": 0, "index": index}


def moves_of_the_solver(where: dict[str, Any]) -> list[str]:
    moves: list[str] = []
    while (move := next_move({"scene": where, "moves": moves})["move"]) is not None:
        assert move in show({"scene": where, "moves": moves})["legal"]
        moves.append(move)
    return moves


@pytest.mark.parametrize("world", WORLDS)
def test_the_solvers_moves_lead_to_the_end_of_every_world(world):
    where = scene(world)
    problem = problem_of(where)
    assert tuple(moves_of_the_solver(where)) == WORLDS[world].solve(problem)
    end = show({"scene": where, "moves": list(WORLDS[world].solve(problem))})
    assert end["state"] == WORLDS[world].write(WORLDS[world].replay(problem.start, WORLDS[world].solve(problem))[-1])
    says(end["said"], "solved" if WORLDS[world].plans else "read the answer off")


@pytest.mark.parametrize("world", [*WORLDS, *PARTS])
def test_the_picture_is_that_of_the_world_and_the_prompt_that_of_a_model(world):
    where = scene(world, index=1)
    problem = problem_of(where)
    told = show({"scene": where, "moves": []})
    pixels = decode_png(b64decode(told["picture"].removeprefix("data:image/png;base64,")))
    assert (pixels == draw(problem, _PIXELS)).all()
    for mode in ("vqa", "tqa"):
        asked = prompt({"scene": where, "mode": mode, "prompts": "idf-short-1"})
        assert asked == {"prompt": prompt_text(problem, mode, "idf-short-1"), "pictured": mode == "vqa"}


def test_a_move_changes_the_picture_and_one_move_less_undoes_it():
    where = scene("rubiks_cube")
    start, turned = (show({"scene": where, "moves": moves}) for moves in ([], ["U"]))
    assert start["picture"] != turned["picture"]
    assert start["state"] != turned["state"]
    assert show({"scene": where, "moves": ["U", "U3"]})["state"] == start["state"]


def test_the_goal_stands_in_words_where_the_state_does_not_hold_it():
    told = show({"scene": scene("wood_slide"), "moves": []})
    assert told["goal"] == f"target {problem_of(scene('wood_slide')).query.target}"
    assert show({"scene": scene("moving_box"), "moves": []})["goal"] == ""


def test_an_illegal_move_says_which_rule_it_breaks():
    where = scene("moving_box")
    illegal = next(move for move in "udlr" if move not in show({"scene": where, "moves": []})["legal"])
    with pytest.raises(IllegalAction, match="wall"):
        show({"scene": where, "moves": [illegal]})


def test_who_leaves_the_actions_to_imagine_is_told_to_undo():
    where = scene("rubiks_cube")
    other = next(
        move for move in WORLDS["rubiks_cube"].actions if move != WORLDS["rubiks_cube"].solve(problem_of(where))[0]
    )
    told = next_move({"scene": where, "moves": [other]})
    assert told["move"] is None
    says(told["said"], "undo")


@pytest.mark.parametrize("world", [*WORLDS, *PARTS])
def test_a_true_answer_is_judged_right_and_another_one_wrong(world):
    where = scene(world)
    told = judge({"scene": where, "response": f"Answer: {judge({'scene': where, 'response': 'x'})['truth']}"})
    assert told["correct"]
    assert not judge({"scene": where, "response": "Answer: none"})["correct"]


def test_a_replay_names_the_step_at_which_a_response_goes_wrong():
    where = scene("cube_rolling")
    problem, world = problem_of(where), WORLDS["cube_rolling"]
    lines = world.narrate(problem).splitlines()
    last = len(world.solve(problem))
    at = next(n for n, line in enumerate(lines) if line.startswith(f"{last}. "))
    lines[at] = f"{lines[at].partition(':')[0]}: {world.line(problem.start)}"
    told = judge({"scene": where, "response": "\n".join([*lines, "Answer: red"])})
    assert [step["claim"] for step in told["steps"]] == [*[True] * last, False]
    assert told["first"] == last
    assert world.line(problem.start) in told["steps"][last]["claimed"]


def test_an_illegal_plan_is_replayed_up_to_its_broken_rule():
    told = judge({"scene": scene("moving_box"), "response": "Answer: l l l l l l l"})
    assert told["error"] == "illegal"
    says(told["stop"], "illegal")
    assert len(told["steps"]) < 8


def test_what_is_no_scene_is_refused_with_a_sentence():
    good = scene("moving_box")
    for wrong, *words in (
        (good | {"world": "chess"}, "chess", "moving_box"),
        (good | {"difficulty": "harder"}, "harder", "easy"),
        (good | {"seed": -1}, "seed", -1),
        (good | {"index": True}, "index", True),
        ("moving_box", "scene"),
    ):
        with refused(*words):
            show({"scene": wrong, "moves": []})
    for moves in ("ll", [1], ["l"] * 1001):
        with refused("moves", "1000"):
            show({"scene": good, "moves": moves})
    with pytest.raises(UserError, match="act in moving_box"):
        show({"scene": scene("moving_box_part"), "moves": ["u"]})


def test_a_response_that_would_keep_the_page_waiting_is_refused_with_who_takes_it():
    with refused("500,000 characters", "idf-eval --responses"):
        judge({"scene": scene("cube_rolling"), "response": "x" * 500_001})


def test_one_move_is_left_at_the_end():
    where = scene("moving_box")
    moves = moves_of_the_solver(where)
    says(next_move({"scene": where, "moves": moves[:-1]})["said"], moves[-1], "1 move is left")
    says(next_move({"scene": where, "moves": []})["said"], f"{len(moves)} moves are left")
