"""An episode, turn by turn, on problems that were written and worked out by hand."""

from __future__ import annotations

import pytest

from idf.env import Episode, Options, Source, count_tokens
from idf.worlds import WORLDS, Problem, problem_from_json
from tests.sentences import refused, says

ROOM = """\
# # # # #
# . . . #
# S B T #
# . # . #
# # # # #"""


def room() -> Problem:
    return problem_from_json({"world": "moving_box", "difficulty": "easy", "start": ROOM, "query": {}})


def rolling() -> Problem:
    """Top red, bottom yellow, left blue, right green, front gray, back black; rolls right, then to the front."""
    query = {"path": "right front", "face": "top"}
    start = "red yellow blue green gray black at 0,0"
    return problem_from_json({"world": "cube_rolling", "difficulty": "easy", "start": start, "query": query})


# By hand: rolling right, left comes to the top, right to the bottom, bottom to the left, top to the right;
# to the front, back comes to the top, front to the bottom, top to the front, bottom to the back.
AFTER_RIGHT = "blue green yellow red gray black"
AFTER_BOTH = "black gray yellow red blue green"


def slides() -> Problem:
    """The classic layout; block 5 is to go to the right twice."""
    query = {"target": "1122/1133/4005/6788/6799"}
    start = "1122/1133/4500/6788/6799"
    return problem_from_json({"world": "wood_slide", "difficulty": "easy", "start": start, "query": query})


def begun(problem: Problem, **options: object) -> Episode:
    episode = Episode(problem, Options(**options))
    episode.reset()
    return episode


# --- worlds of plans -------------------------------------------------------------------------------------------


def test_moves_change_the_state_until_the_goal_ends_the_episode():
    episode = begun(slides())
    first = episode.step("Move: 5r")
    assert "1122/1133/4050/6788/6799" in first.observation.text
    assert (first.reward, first.done, first.information["end"]) == (0.0, False, None)
    last = episode.step("Move: 5r")
    assert (last.reward, last.done, last.information["end"], last.information["moves"]) == (1.0, True, "solved", 2)


def test_an_illegal_move_is_told_and_counted_and_changes_nothing():
    episode = begun(room())
    step = episode.step("l")
    says(step.observation.text.splitlines()[0], "legal", "wall", "nothing has changed")
    assert ROOM in step.observation.text
    assert (step.reward, step.done) == (0.0, False)
    assert step.information["illegal"] == 1
    assert step.information["moves"] == 0
    assert episode.step("r").information == step.information | {
        "moves": 1,
        "tokens": 2,
        "end": "solved",
        "asks": "nothing",
    }


@pytest.mark.parametrize(
    ("text", "why"), [("hm", "no move"), ("Move: u u", "2 moves"), ("", "no move"), ("I cannot go up.", "no move")]
)
def test_a_reply_without_one_move_is_told_and_counted_and_changes_nothing(text, why):
    episode = begun(room())
    step = episode.step(text)
    says(step.observation.text.splitlines()[0], "understood", *why.split())
    assert (step.information["unreadable"], step.information["illegal"], step.information["moves"]) == (1, 0, 0)
    assert episode.state == room().start


@pytest.mark.parametrize(
    "text",
    [
        "u",
        "Up",
        "Move: up.",
        "**Move:** u",
        "<think>Move: d</think>\nMove: u",
        "The box is right of me. I walk up.",
        "Answer: u",
    ],
)
def test_a_move_is_read_in_the_wordings_that_idf_reads(text):
    episode = begun(room())
    assert episode.step(text).information["moves"] == 1
    assert episode.state.player == (1, 1)


# --- described worlds ------------------------------------------------------------------------------------------


def test_a_described_world_asks_for_each_state_says_right_or_wrong_and_then_asks_the_question():
    episode = begun(rolling())
    assert episode.asks == "state"
    wrong = episode.step(f"State: {AFTER_BOTH}")
    says(wrong.observation.text.splitlines()[0], "wrong")
    says(wrong.observation.text.splitlines()[1], "action", 2, "front")
    right = episode.step(f"I roll it.\nState: {AFTER_BOTH}")
    says(right.observation.text.splitlines()[0], "right")
    assert (right.information["right"], right.information["wrong"], right.information["asks"]) == (1, 1, "answer")
    last = episode.step("The top face is black.\nAnswer: black")
    assert (last.reward, last.done, last.information["end"]) == (1.0, True, "answered")


def test_a_state_in_other_words_is_the_same_state():
    episode = begun(rolling())
    episode.step("After the roll: top is blue, bottom green, left yellow, right red, front gray and back black.")
    assert episode.information["right"] == 1


def test_a_reply_without_a_whole_state_is_counted_and_asked_again():
    episode = begun(rolling())
    step = episode.step("The top is blue.")
    says(step.observation.text.splitlines()[0], "understood", "nothing has changed")
    says(step.observation.text.splitlines()[1], "action", 1, "right")
    assert (step.information["unreadable"], step.information["moves"]) == (1, 0)


@pytest.mark.parametrize(("answer", "error"), [("Answer: red", "wrong"), ("no idea", "unparsed"), ("", "empty")])
def test_the_final_answer_is_judged_as_idf_eval_judges_it(answer, error):
    episode = begun(rolling())
    episode.step(AFTER_RIGHT)
    episode.step(AFTER_BOTH)
    step = episode.step(answer)
    assert (step.reward, step.done, step.information["error"]) == (0.0, True, error)


# --- budgets ---------------------------------------------------------------------------------------------------


def test_replies_are_counted_legal_or_not_and_the_budget_ends_the_episode_without_reward():
    episode = begun(room(), max_moves=3)
    assert [episode.step(text).done for text in ("l", "hm", "u")] == [False, False, True]
    assert episode.information["end"] == "moves"
    assert begun(room(), max_moves=1).step("r").reward == 1.0, "the last reply may solve it"


def test_the_answer_is_no_move():
    episode = begun(rolling(), max_moves=2)
    episode.step(AFTER_RIGHT)
    episode.step(AFTER_BOTH)
    assert episode.step("Answer: black").reward == 1.0
    episode = begun(rolling(), max_moves=2)
    episode.step("?")
    assert episode.step(AFTER_RIGHT).information["end"] == "moves"


def test_a_reply_beyond_the_budget_of_tokens_is_not_read():
    assert count_tokens("Move: r") == count_tokens(" Move :r\n") == 3
    episode = begun(room(), max_tokens=3)
    assert episode.step("Move: r").reward == 1.0
    episode = begun(room(), max_tokens=2)
    step = episode.step("Move: r")
    assert (step.reward, step.done, step.information["end"], step.information["moves"]) == (0.0, True, "tokens", 0)


def test_tokens_may_be_counted_by_somebody_else():
    assert begun(room(), count=len).step("Move: u").information["tokens"] == 7


def test_count_of_tokens_by_hand():
    # a run of letters, a digit, a sign: the, answer, :, 1, 2, (, déjà, ), _
    assert count_tokens("The answer: 12 (déjà)_") == 9


# --- what is seen ----------------------------------------------------------------------------------------------


def test_text_shows_the_state_in_words_and_no_picture():
    episode = Episode(room())
    seen = episode.reset()
    assert ROOM in seen.text
    assert seen.picture() is None
    assert "# S . . #\n# . B T #" in begun(room()).step("u").observation.text


def test_a_picture_shows_the_present_state_and_no_text_gives_it_away():
    episode = Episode(room(), Options(show="picture", max_pixels=100_000))
    seen = episode.reset()
    assert "# S" not in seen.text
    before = seen.picture()
    assert before is not None
    assert before.ndim == 3
    after = episode.step("u").observation
    assert "# S" not in after.text
    assert (after.picture() != before).any()
    both = Episode(room(), Options(show="both", max_pixels=100_000)).reset()
    assert ROOM in both.text
    assert (both.picture() == before).all()


def test_a_described_world_shows_its_start_and_no_state_on_the_way():
    episode = Episode(rolling(), Options(show="both"))
    assert episode.reset().picture() is not None
    step = episode.step(AFTER_RIGHT)
    assert step.observation.picture() is None
    assert "yellow" not in step.observation.text


WIDE = """\
# # # # # # #
# . . . . . #
# . S . B . #
# . . . . T #
# # # # # # #"""
NEAR = """\
? ? ? ? ? ? ?
? . . . ? ? ?
? . S . ? ? ?
? . . . ? ? ?
? ? ? ? ? ? ?"""
FAR = """\
# # # # # ? ?
# . . . . ? ?
# . S . B ? ?
# . . . . ? ?
# # # # # ? ?"""


@pytest.mark.parametrize(("radius", "seen"), [(1, NEAR), (2, FAR)])
def test_a_window_shows_the_cells_around_the_player_and_nothing_else(radius, seen):
    problem = problem_from_json({"world": "moving_box", "difficulty": "easy", "start": WIDE, "query": {}})
    text = Episode(problem, Options(show="window", radius=radius)).reset().text
    assert seen in text
    assert "B . #" not in text
    assert "T #" not in text


def test_the_window_goes_with_the_player():
    problem = problem_from_json({"world": "moving_box", "difficulty": "easy", "start": WIDE, "query": {}})
    episode = begun(problem, show="window")
    assert "? ? . S B ? ?" in episode.step("r").observation.text


def test_a_window_of_cube_rolling_shows_the_board_and_not_the_path_to_come():
    episode = Episode(rolling(), Options(show="window"))
    text = episode.reset().text
    assert "C . ? ? ? ? ? ? ? ?\n. . ? ?" in text
    assert "rolls right, front" not in text
    assert "o C . ? ? ? ? ? ? ?" in episode.step(AFTER_RIGHT).observation.text


@pytest.mark.parametrize("world", ["mental_rotation", "rubiks_cube", "wood_slide"])
def test_a_world_without_an_agent_refuses_a_window(world):
    with refused(world, "agent", "cube_rolling", "moving_box"):
        Episode(Source(world), Options(show="window"))


# --- mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"show": "sound"}, ("show", "text", "picture", "both", "window", "sound")),
        ({"radius": 0}, ("radius", 0)),
        ({"radius": None}, ("radius", "None")),
        ({"max_moves": 0}, ("max_moves", 0, "None")),
        ({"max_tokens": 1.5}, ("max_tokens", 1.5)),
        ({"probe_every": -1}, ("probe_every", -1)),
        ({"max_pixels": -5}, ("max_pixels", 3136, -5)),
        ({"max_pixels": "large"}, ("max_pixels", "large")),
        ({"count": 3}, ("count", 3)),
    ],
)
def test_options_that_mean_nothing_are_refused_in_a_sentence(options, words):
    with refused(*words):
        Options(**options)


def test_a_step_before_the_first_reset_or_after_the_end_is_refused():
    with refused("reset"):
        Episode(room()).step("u")
    episode = begun(room())
    episode.step("r")
    with refused("reset"):
        episode.step("u")
    episode.reset()
    assert episode.step("r").reward == 1.0
    with refused("reset"):
        _ = Episode(Source("moving_box")).problem


def test_every_world_is_one_of_the_two_kinds():
    kinds = {world: Episode(Source(world, "medium")) for world in WORLDS}
    for world, episode in kinds.items():
        episode.reset()
        assert episode.asks == ("move" if WORLDS[world].plans else "state") or world == "mental_rotation"
