"""What is asked, and the names of answers: whatever may change an answer changes its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idf.backends import Sampling
from idf.data import text_of
from idf.drawing import encode_png
from idf.evaluation.run.queries import Ask, Form, Keys, Requests, all_asks, messages_of, size_of
from tests.evaluation.samples import ITEMS
from tests.sentences import refused

FORM = Form("idf-short-1", 12_544)
SAMPLING = Sampling(64)


def key(who: str = "someone", sampling: Sampling = SAMPLING, form: Form = FORM, ask: Ask | None = None) -> str:
    return Keys(who, sampling, form)(ask or Ask(ITEMS[0], "vtqa"))


def test_the_same_question_has_the_same_key_in_every_run():
    assert key() == key()
    assert len(key()) == 40


@pytest.mark.parametrize(
    "changes",
    [
        {"who": "someone else"},
        {"sampling": replace(SAMPLING, max_new_tokens=65)},
        {"sampling": replace(SAMPLING, temperature=0.5)},
        {"sampling": replace(SAMPLING, top_p=0.5)},
        {"sampling": replace(SAMPLING, seed=1)},
        {"form": replace(FORM, prompts="idf-long-1")},
        {"form": replace(FORM, max_pixels=6272)},
        {"ask": Ask(ITEMS[0], "vqa")},
        {"ask": Ask(ITEMS[0], "tqa")},
        {"ask": Ask(ITEMS[0], "vtqa", 1)},
        {"ask": Ask(ITEMS[1], "vtqa")},
    ],
    ids=str,
)
def test_whatever_may_change_an_answer_changes_its_key(changes):
    assert key(**changes) != key()


def test_a_published_item_is_asked_in_its_own_words_where_they_serve():
    item = replace(ITEMS[0], published="It rolls as shown. Which colour is at the top?")
    (message,) = messages_of(Ask(item, "vqa"), replace(FORM, prompts="official-2025-question"))
    assert text_of(message) == item.published
    with refused("official-2025-question", item.id, "mode tqa", "only in vqa", "picture"):
        messages_of(Ask(item, "tqa"), replace(FORM, prompts="official-2025-question"))
    with refused("not a published item", "idf-long-1"):
        key(form=replace(FORM, prompts="official-2025"))


def test_another_picture_in_the_same_file_changes_the_key(tmp_path):
    pixels = Requests([Ask(ITEMS[0], "vqa")], FORM)[0].picture
    assert pixels is not None
    path = tmp_path / "p.png"
    path.write_bytes(encode_png(pixels))
    ask = Ask(replace(ITEMS[0], picture=path), "vqa")
    first = key(ask=ask)
    assert key(ask=ask) == first
    path.write_bytes(encode_png(255 - pixels))
    assert key(ask=ask) != first


def test_the_size_that_is_told_before_is_the_size_that_is_shown(tmp_path):
    for at, ask in enumerate(all_asks(ITEMS, ["vqa", "tqa", "vtqa"])):
        picture = Requests([ask], FORM)[0].picture
        assert size_of(ask, FORM) == (None if picture is None else (picture.shape[1], picture.shape[0])), at
    path = tmp_path / "wide.png"
    pixels = Requests([Ask(ITEMS[0], "vqa")], Form("idf-short-1", 200_704))[0].picture
    path.write_bytes(encode_png(pixels[:, : pixels.shape[1] // 2 - 3]))
    ask = Ask(replace(ITEMS[0], picture=path), "vqa")
    picture = Requests([ask], FORM)[0].picture
    assert size_of(ask, FORM) == (picture.shape[1], picture.shape[0])


def test_samples_stand_side_by_side():
    asks = all_asks(ITEMS[:2], ["tqa"], 2)
    assert [(ask.item.id, ask.sample) for ask in asks] == [(item.id, n) for item in ITEMS[:2] for n in (0, 1)]
