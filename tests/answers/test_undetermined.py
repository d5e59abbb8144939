"""Saying that there is no one answer, in the wordings that models use."""

from __future__ import annotations

import pytest

from idf.answers import UNDETERMINED, OrUndetermined
from idf.answers.colour import Colour
from idf.answers.colour_counts import ColourCounts
from idf.answers.count import Count

COLOURS = ("red", "yellow", "blue", "green", "gray", "black")
FACE = OrUndetermined(Colour(COLOURS, asked=("right",)))
COUNT = OrUndetermined(Count())
COUNTS = OrUndetermined(ColourCounts(COLOURS, asked=("back",)))

ABSTAINS = (
    "cannot be determined",
    "Cannot be determined.",
    "It cannot be determined.",
    "The answer cannot be determined from what is shown.",
    "can't be uniquely determined",
    "not enough information",
    "There is not enough information to tell.",
    "insufficient information",
    "unknown",
    "Unknown from what is shown",
    "undetermined",
    "Undetermined (the back face is hidden)",
    "indeterminate",
    "not determinable",
    "unable to determine",
    "We cannot determine it.",
    "It is impossible to tell",
    "**Cannot be determined**",
    "cannot be determined, because it could be red or blue",
    "Therefore, it cannot be determined.",
    "no unique answer",
    "无法确定",
)
ANSWERS_OR_NOTHING = (
    "cannot be determined, but probably red",
    "cannot be determined; I would guess red",
    "cannot be determined?",
    "cannot be determined or red",
    "undetermined. The answer is red",
    "unknown colours aside: red",
    "cannot be red",
    "not red",
    "determined",
    "",
)


@pytest.mark.parametrize("kind", [FACE, COUNT, COUNTS])
@pytest.mark.parametrize("text", ABSTAINS)
def test_abstaining_is_read(kind, text):
    assert kind.read(text) == UNDETERMINED


@pytest.mark.parametrize("text", ANSWERS_OR_NOTHING)
def test_who_offers_an_answer_all_the_same_does_not_abstain(text):
    for kind in (FACE, COUNT, COUNTS):
        assert kind.read(text) != UNDETERMINED


def test_another_face_is_not_the_one_asked():
    assert FACE.read("The right face cannot be determined.") == UNDETERMINED
    assert FACE.read("The top face cannot be determined.") is None


@pytest.mark.parametrize(("kind", "value"), [(FACE, "red"), (COUNT, 3), (COUNTS, {"red": 2, "blue": 1})])
def test_other_answers_are_those_of_the_kind_within(kind, value):
    assert kind.read(kind.write(value)) == value
    assert kind.read(kind.write(UNDETERMINED)) == UNDETERMINED
    assert kind.kind == kind.inner.kind
    assert kind.same(value, value)
    assert not kind.same(value, UNDETERMINED)
    assert not kind.same(UNDETERMINED, value)


@pytest.mark.parametrize("kind", [FACE, COUNT, COUNTS])
def test_the_form_is_no_answer(kind):
    assert UNDETERMINED in kind.form
    assert kind.read(kind.form) is None
