from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from idf.data import Sample, conversation, text_of
from idf.drawing import decode_png, encode_png
from idf.errors import UserError
from idf.training.encode import AT_ONCE, IGNORE, Encoder
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


def same(one, other) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.labels, other.labels) and one.grids == other.grids


def test_many_samples_at_once_are_encoded_as_each_alone_and_refused_in_their_place(tiny, encoder):
    samples = [*tiny.imagery.samples(), *tiny.traces.samples()]
    assert len(samples) > AT_ONCE, "more than one call of the tokenizer"
    bad = {3: talk("bad <|im_end|>"), AT_ONCE: talk("anybody there?", None)}
    for place, sample in bad.items():
        samples.insert(place, sample)
    for place, (sample, found) in enumerate(zip(samples, encoder.each(samples), strict=True)):
        if place in bad:
            assert isinstance(found, UserError)
            with refused(str(found)):
                encoder(sample)
        else:
            assert same(found, encoder(sample))
            assert found.ids.dtype == found.labels.dtype == np.int32


def test_another_process_encodes_alike(tiny, encoder):
    sent = pickle.loads(pickle.dumps(encoder))
    assert sent.fingerprint() == encoder.fingerprint()
    for sample in tiny.imagery.samples():
        assert same(sent(sample), encoder(sample))


def test_what_others_set_in_the_processors_tokenizer_changes_no_sample(tiny):
    processor = pickle.loads(pickle.dumps(tiny.processor))
    sample = next(tiny.traces.samples())
    expected = Encoder(processor, 4096, 112 * 112)(sample)
    processor.tokenizer(["a", "a b c"], padding="max_length", truncation=True, max_length=5)
    encoder = Encoder(processor, 4096, 112 * 112)
    processor.tokenizer(["a", "a b c"], padding="max_length", truncation=True, max_length=5)
    assert same(encoder(sample), expected)


TURNS = """{% for m in messages %}{{ m.role }}: {% for p in m.content %}{{ p.text or '<|image_pad|>' }}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"""
TEMPLATES = {
    "of another form": TURNS,
    "that changes the texts": TURNS.replace("p.text or", "(p.text or '') | trim | upper or"),
    "that begins with what the first message says": "{{ messages[0].content[-1].text[:1] }}|" + TURNS,
    "that knows the special tokens": "{{ eos_token }}" + TURNS,
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_any_template_that_renders_turns_one_after_the_other_is_cut_into_them(tiny, kind):
    processor = pickle.loads(pickle.dumps(tiny.processor))
    processor.chat_template = TEMPLATES[kind]
    encoder = Encoder(processor, 4096, 112 * 112)
    for sample in tiny.imagery.samples():
        more = [*sample.messages, *conversation(" and now? ", "left", with_picture=False)]
        pieces = encoder.turns(more)
        assert "".join(text for text, _ in pieces) == processor.apply_chat_template(more, tokenize=False)
        spoken = [text for text, said in pieces if said]
        assert len(spoken) == 2
        assert spoken[1].lower() == "left<|im_end|>"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ messages | length }} turns", ["template", "turns one after the other"]),
        ("{{ raise_exception('no pictures here') }}", ["sample talk", "chat template", "no pictures here"]),
    ],
)
def test_a_template_that_does_not_fit_is_refused(tiny, template, words):
    processor = pickle.loads(pickle.dumps(tiny.processor))
    processor.chat_template = template
    with refused(*words):
        Encoder(processor, 4096, 112 * 112)(talk("x"))
