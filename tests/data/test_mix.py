"""Shares: which are allowed, and what they come to."""

from __future__ import annotations

from collections import Counter

import pytest

from idf.data import check_mix, content_key, conversation, pick, text_of
from idf.errors import UserError
from idf.worlds import Rng
from tests.sentences import refused


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ({"c": 1.0}, ("worlds", "unknown", "'c'", "a, b")),
        ({"a": 1.0, "b": -0.5}, ("worlds.b", "negative", -0.5)),
        ({"a": 0.0}, ("worlds", "at least one weight", "zero")),
        ({}, ("worlds", "at least one weight", "zero")),
    ],
)
def test_weights_that_mean_nothing_are_refused_by_name(weights, why):
    with refused(*why):
        check_mix("worlds", weights, ("a", "b"))


def test_weights_need_not_add_up_to_one():
    check_mix("worlds", {"a": 0.0, "b": 12.5}, ("a", "b"))


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_that_is_no_finite_number_is_refused(weight):
    with pytest.raises(UserError):
        check_mix("worlds", {"a": weight}, ("a", "b"))


def test_names_are_picked_in_proportion_to_their_weights():
    counts = Counter(pick(Rng("test", i), {"a": 3.0, "b": 1.0, "c": 0.0}) for i in range(4000))
    assert set(counts) == {"a", "b"}
    assert counts["a"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_pick_does_not_depend_on_the_order_of_the_names():
    for i in range(50):
        assert pick(Rng("test", i), {"a": 1.0, "b": 2.0}) == pick(Rng("test", i), {"b": 2.0, "a": 1.0})


def test_a_content_key_is_the_same_for_ever_and_tells_its_parts_apart():
    assert content_key("a", "b") == "b5404f4000b980c89598060458b27e2a"
    assert len({content_key("a", "b"), content_key("b", "a"), content_key("a"), content_key("ab")}) == 4


def test_a_conversation_shows_the_picture_before_the_question():
    user, assistant = conversation("what?", "this", with_picture=True)
    assert user == {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}
    assert assistant == {"role": "assistant", "content": [{"type": "text", "text": "this"}]}
    assert text_of(user) == "what?"
    assert [message["role"] for message in conversation("what?", None, with_picture=False)] == ["user"]
