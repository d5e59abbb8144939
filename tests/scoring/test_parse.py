"""The rule parser: what counts as a stated answer, and what never does."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.scoring import final_answer, parse_answer, write_answer
from idf.worlds import DIFFICULTIES, WORLDS
from tests.sentences import refused
from tests.worlds.samples import problems

ROLL, BLOCKS, ROOM, CUBES, TURN = (
    WORLDS[name] for name in ("cube_rolling", "wood_slide", "moving_box", "mental_rotation", "rubiks_cube")
)


@pytest.mark.parametrize(
    ("response", "stated"),
    [
        ("Answer: red", "red"),
        ("ANSWER : red", "red"),
        ("Answer: red\nAnswer: blue", "blue"),
        ("Answer: blue\nbut wait\nanswer: red\nthat is it", "red"),
        ("**Answer:** red", "red"),
        ("**Answer: red**", "red"),
        ("**Answer**: `red`", "red"),
        ("__Answer:__ red", "red"),
        ("### Final Answer: red", "red"),
        ("> - The final answer is: red", "red"),
        ("the answer is: red", "red"),
        ("some reasoning\r\nAnswer: red\r\n", "red"),
        ("Answer: red. It was a long way.", "red. It was a long way."),
        ("<think>Answer: blue</think>\nAnswer: red", "red"),
        ("Answer: red\n<think>\nAnswer: blue\n</think>", "red"),
        ("Answer: red <think> Answer: blue", "red"),
        ("<think>a</think>Answer: red<think>\nAnswer: blue", "red"),
        ("Answer:", ""),
        ("**Answer:**\nred", "red"),
        ("Answer:\n\n1. up\n2. left\n\nDone.", "1. up\n2. left"),
        ('Answer: ["u", "l"]', "u, l"),
        ('{"reason": "so", "answer": "red"}', None),
        ("The answer is red. \\boxed{blue}", None),
    ],
)
def test_the_last_answer_line_outside_of_think_blocks_is_the_answer(response, stated):
    assert final_answer(response) == stated


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   \n\t",
        "red",
        "It is red.",
        "The answer is red",
        "Answers: red",
        "I would answer: red",
        "My reanswer: red",
        "<think>Answer: red</think>",
        "<think>\nso\nAnswer: red",
        "<think>one</think><think>Answer: red",
    ],
)
def test_without_an_answer_line_nothing_is_stated(response):
    assert final_answer(response) is None


def test_a_full_width_colon_is_a_colon():
    assert final_answer("Answer\N{FULLWIDTH COLON} red") == "red"


# --- colours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("red", "red"),
        ("Red.", "red"),
        ("**RED**", "red"),
        ("the bottom face is red", "red"),
        ("red, since it rolled twice; so red", "red"),
        ("<red>", "red"),
        ("gray", "gray"),
        ("grey", "gray"),
        ("Grey!", "gray"),
    ],
)
def test_one_colour_is_found_in_a_sentence(text, colour):
    assert parse_answer(ROLL, "colour", text) == colour


@pytest.mark.parametrize("spelling", ["grey", "gray", "GRAY", "Grey"])
@pytest.mark.parametrize(("world", "colour"), [(ROLL, "gray"), (CUBES, "gray"), (TURN, "grey")])
def test_gray_and_grey_are_one_colour_in_the_spelling_of_the_world(world, colour, spelling):
    assert parse_answer(world, "colour", spelling) == colour


@pytest.mark.parametrize(
    "text", ["", "red or blue", "red/blue", "reddish", "infrared", "orange", "<colour>", "rot", "3"]
)
def test_two_colours_or_none_are_no_answer(text):
    assert parse_answer(ROLL, "colour", text) is None


def test_a_colour_that_is_ruled_out_is_no_answer():
    assert parse_answer(ROLL, "colour", "not red") is None


# --- counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [("3", 3), ("**3**", 3), ("there are 3 squares", 3), ("three", 3), ("Zero", 0), ("nine squares", 9), ("3, 3", 3)],
)
def test_a_count_is_a_numeral_or_a_word(text, count):
    assert parse_answer(TURN, "count", text) == count


@pytest.mark.parametrize(
    "text", ["", "none", "3 or 4", "3 of 9", "-3", "3.0", "2.5", "two or three", "<number>", "weight"]
)
def test_several_numbers_a_fraction_or_none_are_no_count(text):
    assert parse_answer(TURN, "count", text) is None


@pytest.mark.parametrize(
    ("world", "kind", "text"), [(TURN, "count", "7" * 5000), (CUBES, "colour_counts", "red " + "7" * 5000)]
)
def test_thousands_of_digits_are_no_count(world, kind, text):
    parse_answer(world, kind, text)


@pytest.mark.parametrize(
    "read",
    [
        lambda: final_answer("answer" + " " * 16_000),
        lambda: parse_answer(CUBES, "colour_counts", "red" + " " * 8_000),
        lambda: parse_answer(CUBES, "colour_counts", "7" * 4_000),
    ],
    ids=["blanks after answer", "blanks after a colour", "digits"],
)
def test_a_degenerate_response_is_read_in_time_that_grows_with_its_length(read):
    begun = time.process_time()
    read()
    assert time.process_time() - begun < 0.1


# --- counts of colours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "3 cubes: red 2, blue 1",
        "3 cubes: Red: 2, Blue: 1",
        "red 2, blue 1",
        "red=2; blue=1",
        "red x2, blue x1",
        "2 red, 1 blue",
        "3 visible cubes: 2 red, 1 blue",
        "2x red, 1x blue",
        "2 red cubes and 1 blue cube",
        "blue 1, red 2, green 0",
        "red 2, blue 1, red 2",
        "3 cubes: red 2, blue 1.",
    ],
)
def test_the_usual_ways_to_write_counts_of_colours_are_read(text):
    assert parse_answer(CUBES, "colour_counts", text) == {"red": 2, "blue": 1}


@pytest.mark.parametrize("text", ["", "3", "3 cubes", "red and blue", "red 2, red 3", "<total> cubes"])
def test_what_states_no_counts_is_no_answer(text):
    assert parse_answer(CUBES, "colour_counts", text) is None


@pytest.mark.parametrize("text", ["4 cubes: red 2, blue 1", "1 cube: red 2, blue 1", "9 visible cubes: 2 red, 1 blue"])
def test_counts_that_contradict_their_total_never_equal_the_counts_alone(text):
    parsed = parse_answer(CUBES, "colour_counts", text)
    assert parsed is not None
    assert parsed != {"red": 2, "blue": 1}
    assert parsed["red"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "9 cubes in total: red 2, blue 1",
        "9 cubes are visible: red 2, blue 1",
        "total 9: red 2, blue 1",
        "red 2, blue 1, 9 cubes in total",
    ],
)
def test_a_wrong_total_is_seen_however_it_is_worded(text):
    assert parse_answer(CUBES, "colour_counts", text) != {"red": 2, "blue": 1}


@pytest.mark.parametrize("text", ["2 red 3 blue 1 green", "6 cubes: 2 red 3 blue 1 green", "2 red 3 blue and 1 green"])
def test_numbers_before_colours_are_not_read_as_numbers_after_them(text):
    assert parse_answer(CUBES, "colour_counts", text) in (None, {"red": 2, "blue": 3, "green": 1})


def test_cubes_of_one_colour_are_not_the_total():
    assert parse_answer(CUBES, "colour_counts", "red: 2 cubes, blue: 3 cubes") in (None, {"red": 2, "blue": 3})


@pytest.mark.parametrize("text", ["red 2, blue 1, orange 4", "red 2, blue 1 or 2", "red 2, blue 1.5"])
def test_counts_with_a_part_that_is_not_understood_are_not_read_as_the_rest(text):
    assert parse_answer(CUBES, "colour_counts", text) != {"red": 2, "blue": 1}


# --- plans -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("u u l", "uul"),
        ("up, up, left", "uul"),
        ("Up -> Up → Left", "uul"),
        ("['u', 'u', 'l']", "uul"),
        ("UUL.", "uul"),
        ("uulr", "uulr"),
        ("`d`", "d"),
        ("down", "d"),
        ("up u left l", "uull"),
        ("dull", "dull"),  # letters run together are a plan if they are all there is, even where they are a word
    ],
)
def test_a_plan_of_moving_box_is_letters_or_words_and_nothing_else(text, plan):
    assert parse_answer(ROOM, "plan", text) == tuple(plan)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "no solution",
        "No solution found.",
        "the box is full",
        "I'd push it",
        "up or left",
        "dull box",
        "u u x",
        "2. up 3. left",
        "<move> <move> ...",
        "rule",
        "laurel",
    ],
)
def test_letters_in_prose_are_never_a_plan(text):
    assert parse_answer(ROOM, "plan", text) is None


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("3d", ["3d"]),
        ("3d 4r", ["3d", "4r"]),
        ("3d -> 4r", ["3d", "4r"]),
        ("['3D', '4R']", ["3d", "4r"]),
        ("3d,4r,9u", ["3d", "4r", "9u"]),
        ("(3d)→(4r)", ["3d", "4r"]),
    ],
)
def test_a_plan_of_wood_slide_is_blocks_with_directions(text, plan):
    assert parse_answer(BLOCKS, "plan", text) == tuple(plan)


@pytest.mark.parametrize("text", ["", "d3", "0d", "10d", "3x", "3d or 4r", "down 3", "3d 4r done", "udlr"])
def test_a_plan_of_wood_slide_is_not_repaired(text):
    assert parse_answer(BLOCKS, "plan", text) is None


# --- both ways ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_every_true_answer_is_read_back_as_it_was_written(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 6):
            kind, truth = WORLDS[world].answer_kind(item), WORLDS[world].truth(item)
            assert parse_answer(WORLDS[world], kind, write_answer(kind, truth)) == truth
            assert final_answer(f"so\nAnswer: {write_answer(kind, truth)}") == write_answer(kind, truth)


@given(st.lists(st.integers(0, 13), min_size=6, max_size=6).filter(any))
def test_any_counts_are_read_back(numbers):
    counts = {colour: n for colour, n in zip(CUBES.colours, numbers, strict=True) if n}
    assert parse_answer(CUBES, "colour_counts", write_answer("colour_counts", counts)) == counts


@given(st.lists(st.sampled_from([f"{block}{way}" for block in range(1, 10) for way in "udlr"]), min_size=1))
def test_any_plan_of_wood_slide_is_read_back(plan):
    assert parse_answer(BLOCKS, "plan", write_answer("plan", tuple(plan))) == tuple(plan)


@given(st.lists(st.sampled_from("udlr"), min_size=1))
def test_any_plan_of_moving_box_is_read_back_spaced_or_not(plan):
    assert parse_answer(ROOM, "plan", write_answer("plan", tuple(plan))) == tuple(plan)
    assert parse_answer(ROOM, "plan", "".join(plan)) == tuple(plan)


@given(
    st.sampled_from(["colour", "count", "colour_counts", "plan"]), st.sampled_from(list(WORLDS)), st.text(max_size=60)
)
def test_no_text_makes_the_parser_fall(kind, world, text):
    parse_answer(WORLDS[world], kind, text)


def test_an_unknown_kind_of_answer_is_refused():
    with refused("unknown kind", "'essay'", by=ValueError):
        parse_answer(ROLL, "essay", "red")
