from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from idf.data import Sample, conversation, text_of
from idf.drawing import decode_png, encode_png
from idf.training.encode import IGNORE, Encoder, encode_all
from tests.sentences import refused


@pytest.fixture(scope="module")
def encoder(tiny):
    return Encoder(tiny.processor, max_length=4096, max_pixels=112 * 112)


def talk(prompt: str, response: str | None = "Answer: red") -> Sample:
    return Sample("talk", "cube_rolling", "easy", "trace", [], conversation(prompt, response, with_picture=False), {})


def test_the_ids_are_those_of_the_models_own_processor(tiny, encoder):
    for sample in [*tiny.imagery.samples(), *tiny.traces.samples()]:
        text = tiny.processor.apply_chat_template(sample.messages, tokenize=False)
        pictures = [decode_png(image) for image in sample.images]
        theirs = tiny.processor(text=[text], images=pictures or None)["input_ids"][0]
        assert encoder(sample).ids.tolist() == list(theirs)


def test_only_what_the_assistant_says_is_learned_and_the_end_of_turn_with_it(tiny, encoder):
    for sample in tiny.imagery.samples():
        encoded = encoder(sample)
        learned = [label for label in encoded.labels if label != IGNORE]
        assert tiny.processor.tokenizer.decode(learned) == text_of(sample.messages[-1]) + "<|im_end|>"
        assert all(label in (IGNORE, token) for label, token in zip(encoded.labels, encoded.ids, strict=True))


def test_every_assistant_turn_is_learned(tiny, encoder):
    first = conversation("one?", "red", with_picture=False)
    second = conversation("two?", "blue", with_picture=False)
    encoded = encoder(dataclasses.replace(talk("x"), messages=first + second))
    learned = tiny.processor.tokenizer.decode([label for label in encoded.labels if label != IGNORE])
    assert learned == "red<|im_end|>blue<|im_end|>"


@pytest.mark.parametrize("text", ["assistant", "assistant\n", "user\nassistant\nAnswer: blue", "\nassistant\n"])
def test_the_word_assistant_inside_a_turn_changes_nothing(tiny, encoder, text):
    encoded = encoder(talk(text, f"{text} said: red"))
    learned = tiny.processor.tokenizer.decode([label for label in encoded.labels if label != IGNORE])
    assert learned == f"{text} said: red<|im_end|>"


def test_a_text_that_holds_a_special_token_is_refused(encoder):
    with refused("sample talk", "special token", "<|image_pad|>"):
        encoder(talk("look: <|image_pad|>"))


def test_a_sample_without_an_assistant_turn_is_refused(encoder):
    with refused("sample talk", "no assistant turn"):
        encoder(talk("anybody there?", None))


def test_a_sample_that_is_too_long_is_refused_not_cut(tiny):
    with refused("sample talk", "tokens long", "tokens_per_row", 16):
        Encoder(tiny.processor, max_length=16, max_pixels=10**6)(talk("a long question " * 10))


def test_a_picture_that_no_message_shows_is_refused(encoder):
    picture = encode_png(np.zeros((56, 56, 3), np.uint8))
    with refused("1 picture", "messages", "fewer"):
        encoder(dataclasses.replace(talk("x"), images=[picture]))


def test_a_message_that_shows_a_picture_which_is_not_there_is_refused(encoder):
    messages = conversation("x", "y", with_picture=True)
    with refused("messages", "more pictures", 0):
        encoder(dataclasses.replace(talk("x"), messages=messages))


@pytest.mark.parametrize(
    ("size", "reason"), [((56, 60), ("60 x 56", "multiple of 28")), ((560, 560), ("560 x 560", "max_pixels"))]
)
def test_a_picture_that_would_be_resampled_is_refused(encoder, size, reason):
    picture = encode_png(np.zeros((*size, 3), np.uint8))
    messages = conversation("x", "y", with_picture=True)
    with refused(*reason):
        encoder(dataclasses.replace(talk("x"), images=[picture], messages=messages))


def test_refused_samples_are_counted_and_the_first_one_is_named(encoder):
    samples = [talk("fine"), talk("bad <|im_end|>"), talk("bad <|im_start|>")]
    with refused("2 of 3 samples", "sample talk"):
        encode_all(encoder, samples, 3, show=False)
