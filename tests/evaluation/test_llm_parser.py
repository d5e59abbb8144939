"""A language model as a parser: it may quote, and nothing else; the rules judge what it quotes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from idf.backends import Request, Response
from idf.data import text_of
from idf.evaluation import Answers, Row, score_rows
from idf.evaluation.run.llm_parser import judged_by_quotes, parse_with, question_for
from idf.scoring import write_answer
from idf.suites import Item
from idf.worlds import WORLDS
from tests.evaluation.samples import ITEMS
from tests.sentences import says

ROLL, BOX = ITEMS[0], ITEMS[4]


class Quoting:
    """Answers by a function of the response that stands in the question."""

    name = "fake"

    def __init__(self, quote: Callable[[str], str | None]) -> None:
        self.quote = quote
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        for i, request in enumerate(requests):
            self.asked.append(text_of(request.messages[-1]))
            quote = self.quote(self.asked[-1].split("<response>\n")[1].removesuffix("\n</response>"))
            yield i, Response("", finish_reason="error", error="no") if quote is None else Response(quote)


def truth(item: Item) -> str:
    world = WORLDS[item.problem.world]
    return write_answer(world.answer_kind(item.problem), world.truth(item.problem))


def rows_of(told: dict[Item, str]) -> list[Row]:
    return score_rows(list(told), ["tqa"], {(item.id, "tqa", 0): Response(text) for item, text in told.items()})[0]


def parsed(told: dict[Item, str], quote: Callable[[str], str | None]):
    return parse_with(Quoting(quote), rows_of(told), list(told), Answers(), "someone")


def test_a_quote_is_judged_by_the_rules():
    told = {
        ROLL: f"I settle on the colour which is {truth(ROLL)}",
        BOX: f"Moves, in order, are these: {truth(BOX)} done",
    }
    rows, agreement = parsed(told, lambda said: truth(ROLL) if truth(ROLL) in said else truth(BOX))
    assert [row.correct for row in rows] == [True, True]
    assert [row.response for row in rows] == list(told.values()), "the response stays whole"
    assert (agreement.n, agreement.not_quoted, agreement.failed) == (2, 0, 0)


def test_what_does_not_stand_in_the_response_is_no_answer():
    rows, agreement = parsed({BOX: "Answer: u l"}, lambda said: f"u l {truth(BOX)}")  # it repairs the plan
    assert rows[0].error == "unparsed"
    assert (agreement.not_quoted, agreement.agreed) == (1, 0)
    assert agreement.disagreements[0]["quoted"] is False
    assert agreement.disagreements[0]["rules"] == ["u", "l"]


def test_a_letter_inside_of_a_word_is_no_quote():
    assert truth(BOX) == "r", "the case that this test is about"
    rows, agreement = parsed({BOX: "Answer: none, or I am sorry"}, lambda said: "r")
    assert not rows[0].correct
    assert agreement.not_quoted == 1


def test_what_is_only_thought_is_no_quote():
    rows, agreement = parsed({ROLL: f"<think>It is {truth(ROLL)}.</think>I do not know."}, lambda said: truth(ROLL))
    assert not rows[0].correct
    assert agreement.not_quoted == 1


def test_a_wrong_answer_stays_wrong_however_it_is_quoted():
    wrong = next(colour for colour in WORLDS["cube_rolling"].colours if colour != truth(ROLL))
    rows, _ = parsed({ROLL: f"Answer: {wrong}"}, lambda said: wrong)
    assert rows[0].error == "wrong"


def test_agreement_is_counted_and_differences_are_listed():
    told = {ROLL: f"Answer: {truth(ROLL)}", BOX: "no idea"}
    _, agreement = parsed(told, lambda said: "NONE")
    assert (agreement.n, agreement.agreed) == (2, 1)
    (line,) = agreement.disagreements
    assert line == {
        **{"id": ROLL.id, "mode": "tqa", "sample": 0, "rules": truth(ROLL), "quote": "NONE", "model": None},
        **{"quoted": True, "rules_correct": True, "model_correct": False},
    }
    says(agreement, "agree", "1 of 2", "50.0%")


def test_where_no_quote_can_be_had_the_rule_parser_stands():
    rows, agreement = parsed({ROLL: f"Answer: {truth(ROLL)}"}, lambda said: None)
    assert rows[0].correct
    assert agreement.failed == 1


def test_empty_responses_and_errors_are_not_shown_to_it():
    backend = Quoting(lambda said: "NONE")
    rows = rows_of({ROLL: "  "})
    found, agreement = parse_with(backend, rows, [ROLL], Answers(), "someone")
    assert found == rows
    assert (agreement.n, backend.asked) == (0, [])


def test_quotes_are_kept_and_not_paid_for_twice(tmp_path):
    for asked in (1, 0):
        backend = Quoting(lambda said: "NONE")
        with Answers(tmp_path) as answers:
            parse_with(backend, rows_of({ROLL: "hm"}), [ROLL], answers, "someone")
        assert len(backend.asked) == asked


@pytest.mark.parametrize("kind", ["colour", "count", "colour_counts", "plan"])
def test_it_is_told_neither_problem_nor_truth(kind):
    asked = question_for(kind, "RESPONSE")
    assert asked.endswith("<response>\nRESPONSE\n</response>")
    assert asked.count("RESPONSE") == 1
    assert "word for word" in asked


def test_a_quote_out_of_a_response_that_was_cut_off_later_is_whole():
    cut = [
        replace(row, finish_reason="length") for row in rows_of({ROLL: f"It is {truth(ROLL)}, I am sure. Let me ch"})
    ]
    found, _ = parse_with(Quoting(lambda said: truth(ROLL)), cut, [ROLL], Answers(), "someone")
    assert found[0].correct


def test_a_quote_with_which_a_response_was_cut_off_is_not_read():
    cut = [replace(row, finish_reason="length") for row in rows_of({BOX: f"The moves are: {truth(BOX)}"})]
    found, _ = parse_with(Quoting(lambda said: truth(BOX)), cut, [BOX], Answers(), "someone")
    assert found[0].error == "truncated"


def test_a_refusal_stays_one_if_nothing_can_be_quoted():
    rows, agreement = parsed({ROLL: "I cannot see the picture."}, lambda said: "NONE")
    assert rows[0].error == "refused"
    assert agreement.agreed == 1


@pytest.mark.parametrize(
    "reply",
    [
        Response(""),
        Response(" \n", finish_reason="stop"),
        Response('""'),
        Response("<think>It says red, I think."),
        Response("re", finish_reason="length"),
        Response("", finish_reason="content_filter"),
        Response("", finish_reason="tool_calls"),
    ],
)
def test_an_empty_or_unfinished_reply_is_a_failure_and_changes_no_verdict(reply):
    class Mute(Quoting):
        def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
            yield from ((i, reply) for i in range(len(requests)))

    rows = rows_of({ROLL: f"Answer: {truth(ROLL)}"})
    found, agreement = parse_with(Mute(lambda said: None), rows, [ROLL], Answers(), "someone")
    assert found == rows
    assert found[0].correct
    assert (agreement.n, agreement.failed, agreement.not_quoted) == (1, 1, 0)


def test_a_quote_of_nothing_that_an_earlier_version_kept_changes_no_verdict():
    rows = rows_of({ROLL: f"Answer: {truth(ROLL)}"})
    found, agreement = judged_by_quotes(rows, [ROLL], [""])
    assert (found, agreement.failed) == (rows, 1)


def test_a_quote_after_thoughts_is_read():
    rows, agreement = parsed({ROLL: f"It is {truth(ROLL)}"}, lambda said: f"<think>Hm, blue?</think>\n{truth(ROLL)}")
    assert rows[0].correct
    assert (agreement.failed, agreement.not_quoted) == (0, 0)
