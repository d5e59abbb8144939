"""Any answer, in any of the usual notations, stated in any of the usual ways, is read back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from idf.scoring import score
from idf.worlds import WORLDS, Problem

from .expecting import CUBES, PUSH, ROLL, SLIDE, SQUARE, SQUARES
from .notations import FRAMES, framed, written

MOVES = {"moving_box": list("udlr"), "wood_slide": [f"{block}{way}" for block in range(1, 10) for way in "udlr"]}
AROUND = st.sampled_from(
    ["", "\n", "I imagine it step by step.\n\n", "<think>Answer: black</think>\n", "Let me see: 1, 2, 3.\n"]
)


def answers(of: Problem[Any, Any]) -> st.SearchStrategy[Any]:
    world = WORLDS[of.world]
    kind = world.answer_kind(of)
    if kind == "plan":
        return st.lists(st.sampled_from(MOVES[of.world]), min_size=2, max_size=20)
    if kind == "count":
        return st.integers(0, 9)
    if kind == "colour":
        return st.sampled_from(world.colours)
    return (
        st.lists(st.integers(0, 9), min_size=6, max_size=6)
        .filter(any)
        .map(lambda numbers: {colour: n for colour, n in zip(world.colours, numbers, strict=True) if n})
    )


@given(st.sampled_from([ROLL, SQUARE, SQUARES, CUBES, PUSH, SLIDE]), st.sampled_from(FRAMES), AROUND, st.data())
@settings(max_examples=600, deadline=None)
def test_an_answer_is_read_back_however_it_is_written_and_stated(of, frame, before, data):
    answer = data.draw(answers(of))
    text = data.draw(st.sampled_from(written(of, answer)))
    stated = framed(frame, text)
    verdict = score(of, before + stated + "\n")
    assert verdict.parsed == answer, stated


@given(st.sampled_from([ROLL, SQUARE, SQUARES, CUBES, PUSH, SLIDE]), st.data())
@settings(max_examples=200, deadline=None)
def test_of_two_answers_the_last_is_read(of, data):
    first, last = data.draw(answers(of)), data.draw(answers(of))
    texts = [data.draw(st.sampled_from(written(of, answer))) for answer in (first, last)]
    frames = [data.draw(st.sampled_from(FRAMES)) for _ in texts]
    stated = [framed(frame, text) for frame, text in zip(frames, texts, strict=True)]
    assert score(of, "\n\nWait, once more.\n\n".join(stated) + "\n").parsed == last
