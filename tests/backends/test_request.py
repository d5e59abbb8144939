from __future__ import annotations

import numpy as np
import pytest

from idf.backends import Request, Response, Sampling, chat_messages, seed_of
from tests.backends.server import request
from tests.sentences import refused

PICTURE = np.zeros((56, 56, 3), np.uint8)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_new_tokens": 0}, ("max_new_tokens", 1, 0)),
        ({"max_new_tokens": 8, "temperature": -0.1}, ("temperature", 0, "-0.1")),
        ({"max_new_tokens": 8, "top_p": 0.0}, ("top_p", "above 0", 1)),
        ({"max_new_tokens": 8, "top_p": 1.1}, ("top_p", "above 0", 1, 1.1)),
    ],
)
def test_sampling_out_of_range_is_refused(values, said):
    with refused(*said):
        Sampling(**values)


def test_a_seed_belongs_to_the_request_and_the_sampling():
    base = seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE))
    assert base == seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE.copy()))
    others = [
        seed_of(Sampling(8, 1.0, seed=2), request("a", PICTURE)),
        seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE, sample=1)),
        seed_of(Sampling(8, 1.0, seed=1), request("b", PICTURE)),
        seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE + 1)),
        seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE.reshape(28, 112, 3))),
    ]
    assert len({base, *others}) == 6
    assert all(0 <= seed < 2**31 for seed in [base, *others])


def test_a_seed_is_the_same_in_every_process():
    assert seed_of(Sampling(8, 1.0, seed=1), request("a", PICTURE)) == 599446496


@pytest.mark.parametrize(
    ("wrong", "shown", "given"),
    [
        (Request(request("a", PICTURE).messages, None), 1, 0),
        (Request(request("a").messages, PICTURE), 0, 1),
        (Request(request("a", PICTURE).messages * 2, PICTURE), 2, 1),
    ],
)
def test_a_picture_that_is_not_shown_exactly_once_is_an_error(wrong, shown, given):
    with refused("messages", f"{shown} picture", given, by=ValueError):
        chat_messages(wrong)


def test_tokens_are_those_that_are_known():
    assert Response("", 3, 4).tokens == 7
    assert Response("", None, 4).tokens == 4
