"""What models write is read, and what only looks like an answer is not: by a rule for each kind, in every form."""

from __future__ import annotations

from time import process_time

import pytest

from idf.scoring import score
from tests.sentences import says

from . import expecting
from .cases_forms import COUNTED, NOT_READ, READ
from .expecting import CUBES, PUSH, ROLL, SQUARES


@pytest.mark.parametrize("name", READ)
def test_an_answer_is_read_in_every_form_that_models_write(name):
    problem = getattr(expecting, name)
    assert [response for response in READ[name] if not score(problem, response).correct] == []


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_taken_back_doubted_or_of_another_thing_is_never_right(name):
    problem = getattr(expecting, name)
    assert [response for response in NOT_READ[name] if score(problem, response).correct] == []


def test_a_number_of_squares_is_read_in_every_form():
    assert {response: score(SQUARES, response).parsed for response, _ in COUNTED} == dict(COUNTED)


@pytest.mark.parametrize(
    ("below", "parsed"),
    [
        ("\n\nWait, I rolled it the wrong way.", None),
        ("\n\nWait, I rolled it the wrong way.\n\nNew answer: green", "green"),
        ("\n\nActually, the top face is green.", "green"),
        ("\n\nSorry, I meant green.", "green"),
        ("\n\n=> green\n", None),
        ("\n\nRevised answer: green", "green"),
        ("\n\n修正：绿色", "green"),
        ("\n\nThis fails.", None),
        ("\n\nLet me double-check. Yes, it is red.", "red"),
        ("\n\nWait, is that so? Yes: it is red.", "red"),
        ("\n\nExplanation: the top is green first, then blue, then red.", "red"),
        ("\n\nThe green face is at the bottom.", "red"),
    ],
)
def test_a_correction_below_supersedes_an_answer_and_doubt_without_one_takes_it_back(below, parsed):
    assert score(ROLL, "Answer: red" + below).parsed == parsed


@pytest.mark.parametrize(
    ("problem", "response", "kind"),
    [
        (ROLL, "Answer: 3", "count"),
        (ROLL, "Answer: 3 cubes: red 2, blue 1", "colour_counts"),
        (SQUARES, "Answer: orange", "colour"),
        (CUBES, "Answer: 3", "count"),
        (PUSH, "Answer: 3", "count"),
        (ROLL, "3", "count"),
    ],
)
def test_an_answer_of_another_kind_is_told_as_that(problem, response, kind):
    verdict = score(problem, response)
    assert verdict.error == "unparsed"
    says(verdict.detail, f"kind {kind}", "asked")


MARKS = [
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    *((f"<{name}>", f"</{name}>") for name in ("scratchpad", "reflection", "analysis", "thoughts", "THINK")),
    ("<think >", "</think >"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
]


@pytest.mark.parametrize(("opens", "ends"), MARKS)
def test_what_is_only_thought_is_hidden_for_every_family(opens, ends):
    assert score(ROLL, f"{opens}Answer: red\n{ends}I do not know.").parsed is None
    assert score(ROLL, f"{opens}Answer: green\n{ends}Answer: red").parsed == "red"
    assert score(ROLL, f"{opens}Answer: red\nBut then", "length").error == "truncated"


PIECES = [
    "Wait. ",
    "red. ",
    "。",
    "| answer |\n",
    "(red) ",
    "<|im_end|>",
    "&lt;think&gt;",
    "- u\n",
    "a b c\n",
    "; ",
    "Question: x\n",
    "no ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_reading_takes_time_in_proportion_to_what_stands_below_an_answer(piece):
    took = []
    for characters in (50_000, 200_000):
        response = "Answer: red\n" + piece * (characters // len(piece))
        begun = process_time()
        score(ROLL, response)
        took.append(process_time() - begun)
    assert took[1] < 8 * took[0] + 0.3
