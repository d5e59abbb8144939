"""Padding and loops are told from text that is merely long or regular."""

from __future__ import annotations

import pytest

from idf.scoring import read_trace
from idf.traces._repetition import find_loop, find_padding
from idf.worlds import DIFFICULTIES, WORLDS
from tests.sentences import says
from tests.traces.candidates import oracle
from tests.worlds.samples import problem, problems

REASONING = "The cube rolls to the right, so the top goes to the right."


def looping(text: str, most_repeated: float = 0.2) -> str | None:
    return find_loop(read_trace(WORLDS["cube_rolling"], text), most_repeated)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("world", WORLDS)
def test_the_oracle_neither_pads_nor_loops_even_if_it_says_all_twice(world, difficulty):
    for item in problems(world, difficulty):
        text = oracle(item)
        imagined = text.rpartition("\n")[0]
        for response in (text, f"<think>\n{imagined}\n</think>\n{text}"):
            assert find_padding(response) is None
            assert find_loop(read_trace(WORLDS[world], response), 0.2) is None


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (f"{REASONING}\nAnswer: red\nI hope this helps.", ("4 words", "after", "answer line")),
        (f"{REASONING}\nAnswer: red\n\n1. right", ("2 words", "after", "answer line")),
        (f"Answer: blue\n{REASONING}\nAnswer: red", ("15 words", "after", "answer line")),
        (f"{REASONING}\nAnswer: red\n<think>Or not?</think>", ("think", "after", "answer line")),
        (f"{REASONING}\n{'.' * 41}\nAnswer: red", ("character", "'.'", 41)),
        (f"{REASONING}\n{'hm ' * 13}\nAnswer: red", ("word", "'hm'", 13)),
        (f"{REASONING}{' ' * 51}Well.\nAnswer: red", ("blanks", 50)),
        (f"{REASONING}\n\n\n\n\n\nAnswer: red", ("5 blank lines",)),
        (f"{REASONING}\nAnswer: red" + "\n" * 9, ("blank lines",)),
    ],
)
def test_padding_is_found(response, why):
    says(find_padding(response), *why)


@pytest.mark.parametrize(
    "response",
    [
        f"{REASONING}\nAnswer: red",
        f"{REASONING}\n\n\n**Answer: red**\n",
        f"{REASONING}\n```\nAnswer: red\n```",
        f"<think>Answer: blue\n{REASONING}</think>\nAnswer: red",
        f"{REASONING}\n{'-' * 40}\nAnswer: red",
        f"{REASONING}\n{'green ' * 9}\nAnswer: red",
    ],
)
def test_layout_is_no_padding(response):
    assert find_padding(response) is None


def test_a_line_said_again_and_again_is_a_loop():
    assert looping("\n".join([REASONING] * 5)) is not None
    says(looping("\n".join([REASONING] * 5)), "words", "third time")
    assert looping("\n".join([REASONING] * 2)) is None


def test_a_sentence_said_again_and_again_within_a_line_is_a_loop():
    assert looping(" ".join([REASONING] * 5)) is not None


def test_a_run_of_words_without_sentences_is_a_loop():
    assert looping("so it goes right then front then right again and " * 6) is not None


def test_a_loop_between_other_sentences_is_found_by_its_share():
    other = "\n".join(f"Sentence number {n} says something new about cube {n}." for n in range(30))
    assert looping("\n".join([other, *[REASONING] * 3])) is None
    assert looping("\n".join([other, *[REASONING] * 12])) is not None


def test_steps_said_again_and_again_are_a_loop():
    item = problem("cube_rolling", "train", 0, "medium")
    text = WORLDS["cube_rolling"].unroll(item.start, WORLDS["cube_rolling"].solve(item))
    assert looping("\n".join([text] * 2)) is None
    assert looping("\n".join([text] * 4)) is not None


def test_the_share_that_may_be_repeated_is_respected():
    text = "\n".join([REASONING] * 4)  # half of it is said for the third time or more
    assert looping(text, most_repeated=0.6) is None
    assert looping(text, most_repeated=0.4) is not None


def test_a_short_text_is_no_loop():
    assert looping("I roll right.\n" * 4) is None
