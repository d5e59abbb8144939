"""Lengths in tokens without a vocabulary."""

from __future__ import annotations

import dataclasses
import io
import re

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template
from PIL import Image

from idf.data import EstimatedTokens, Lengths, Sample, conversation, size_of_picture
from idf.data._tokens import SPLIT
from idf.drawing import encode_png
from idf.files import package_text
from tests.data.samples import plain
from tests.sentences import refused

count = EstimatedTokens()


def talk(prompt: str, response: str = "red", images: list[bytes] | None = None) -> Sample:
    messages = conversation(prompt, response, with_picture=bool(images))
    return plain(0, images=images or [], messages=messages)


def jpeg(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "JPEG")
    return file.getvalue()


# The real tokenizer of Qwen2.5 makes as many tokens of each of these.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("red", 1),
        ("red blue", 2),
        ("0711", 4),
        ("9r: 88", 6),
        ("red/blue", 2),
        ("it's", 2),
        ("one\n\ntwo", 3),
        ("Start: 8811/0711/6722/6990/5433", 27),
        ("# # .\n# @ #", 6),
    ],
)
def test_an_answer_is_as_long_as_its_words_and_the_end_of_its_turn(text, tokens):
    assert count(talk("?", text)).answer == tokens + 1


@given(st.text(alphabet=st.sampled_from("ab1 '\n\r\t.:/ßé漢²")))
def test_cutting_loses_no_letter(text):
    assert "".join(regex.findall(SPLIT, text)) == text


def test_all_but_the_answer_is_prompt_and_counted_with_what_the_chat_template_adds():
    sample = talk("Which colour?", "It is red.", [encode_png(np.zeros((56, 84, 3), np.uint8))])
    rendered = Template(package_text("training/chat_template.jinja")).render(messages=sample.messages)
    special = r"<\|[a-z_]+\|>"
    frame = len(re.findall(special, rendered))
    words = sum(len(regex.findall(SPLIT, part)) for part in re.split(special, rendered))
    found = count(sample)
    assert found == Lengths(prompt=frame + words - 1 - 5, answer=5, vision=6)  # one placeholder stands for the picture
    assert found.total == frame + words - 1 + 6


def test_a_conversation_with_a_system_message_of_its_own_gets_no_other():
    sample = talk("Which colour?")
    system = {"role": "system", "content": [{"type": "text", "text": "You are a helpful assistant."}]}
    assert count(dataclasses.replace(sample, messages=[system, *sample.messages])) == count(sample)


def test_a_picture_takes_a_token_for_28_by_28_pixels_whatever_its_format():
    assert count(talk("?", images=[encode_png(np.zeros((560, 560, 3), np.uint8))])).vision == 400
    assert count(talk("?", images=[jpeg(112, 56), jpeg(28, 28)])).vision == 8 + 1
    assert count(talk("?")).vision == 0


def test_only_the_header_of_a_picture_is_read():
    whole = encode_png(np.random.default_rng(0).integers(0, 255, (84, 56, 3), np.uint8))
    assert size_of_picture(talk("?"), whole[:64]) == (56, 84)


@pytest.mark.parametrize("file", [b"", b"no picture", b"GIF89a\x01\x00\x01\x00\x00\x00\x00"])
def test_a_picture_that_is_none_names_its_sample(file):
    with refused("sample plain:0", "picture", "cannot be read"):
        count(talk("?", images=[file]))
