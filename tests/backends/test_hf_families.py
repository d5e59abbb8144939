"""The transformers backend on tiny models of families that idf does not train: InternVL and SmolVLM, built from configs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from idf.backends import HFBackend, Request, Sampling
from idf.backends._request import size_of
from tests.backends.server import request
from tests.sentences import refused

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 84, 3), dtype=np.uint8)
WIDE = np.random.default_rng(1).integers(0, 256, (40, 120, 3), dtype=np.uint8)
ASKED = [
    request("Which way is up?"),
    request("What is this?", PICTURE),
    request("And this? Tell me more than a word.", WIDE),
]
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}{% endfor %}\n{% endfor %}assistant:"
)
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.2,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 7,
}


def tokenizer(special: list[str], named: dict[str, str]) -> Any:
    """A byte-level tokenizer with a family's special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_ = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=bytes_,
        eos_token="<end>",
        pad_token="<pad>",
        additional_special_tokens=special,
        extra_special_tokens=named,
    )


def save(folder: Path, config: Any, processor: Any) -> Path:
    import torch
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def intern_vl(folder: Path) -> Path:
    from transformers import GotOcr2ImageProcessor, InternVLConfig, InternVLProcessor
    from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor

    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokens = tokenizer([], named)
    pictures = GotOcr2ImageProcessor(size={"height": 28, "width": 28}, crop_to_patches=True, max_patches=4)
    processor = InternVLProcessor(
        pictures,
        tokens,
        InternVLVideoProcessor(size={"height": 28, "width": 28}),
        image_seq_length=4,
        chat_template=TEMPLATE.replace("PICTURE", "<IMG_CONTEXT>"),
    )
    ids = {"eos_token_id": tokens.eos_token_id, "pad_token_id": tokens.pad_token_id}
    config = InternVLConfig(
        vision_config=VISION | {"image_size": [28, 28], "patch_size": [7, 7]},
        text_config=TEXT | ids | {"model_type": "qwen2", "vocab_size": len(tokens)},
        image_token_id=tokens.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    return save(folder, config, processor)


def smol_vlm(folder: Path) -> Path:
    from transformers import SmolVLMConfig, SmolVLMImageProcessor, SmolVLMProcessor
    from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor

    named = {
        "fake_image_token": "<fake_token_around_image>",
        "image_token": "<image>",
        "end_of_utterance_token": "<end_of_utterance>",
        "global_image_token": "<global-img>",
    }
    tokens = tokenizer([f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)], named)
    pictures = SmolVLMImageProcessor(size={"longest_edge": 56}, max_image_size={"longest_edge": 28})
    processor = SmolVLMProcessor(
        pictures,
        tokens,
        SmolVLMVideoProcessor(),
        image_seq_len=4,
        chat_template=TEMPLATE.replace("PICTURE", "<image>"),
    )
    ids = {"eos_token_id": tokens.eos_token_id, "pad_token_id": tokens.pad_token_id}
    config = SmolVLMConfig(
        vision_config=VISION,
        text_config=TEXT | ids | {"model_type": "llama", "vocab_size": len(tokens)},
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    return save(folder, config, processor)


@pytest.fixture
def numbers_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """SmolVLM's processor wants the package num2words, for videos alone; no test shows one."""
    from transformers.models.smolvlm import processing_smolvlm

    monkeypatch.setattr(processing_smolvlm, "num2words", str)


@pytest.mark.parametrize("build", [intern_vl, smol_vlm])
def test_other_families_answer_alike_whatever_the_batches(build, tmp_path, numbers_in_words):
    folder = build(tmp_path / "model")

    def answers(asked: list[Request], batch_size: int) -> list[Any]:
        backend = HFBackend(str(folder), sampling=Sampling(6), batch_size=batch_size, device="cpu")
        found = dict(backend.generate(asked))
        counted = [backend.count(one.messages, size_of(one)) for one in asked]
        assert counted == [(found[i].prompt_tokens, True) for i in range(len(asked))]
        return [found[i] for i in range(len(asked))]

    together = answers(ASKED, 8)
    assert together == answers(ASKED, 1) == answers(ASKED[::-1], 2)[::-1]
    assert all(0 < one.completion_tokens <= 6 for one in together)
    other = Request(ASKED[1].messages, 255 - PICTURE)
    assert answers([other], 1)[0].text != together[1].text, "the picture is seen"


def test_what_a_processor_lacks_is_said_in_a_sentence(tmp_path, numbers_in_words, monkeypatch):
    folder = smol_vlm(tmp_path / "model")
    from transformers.models.smolvlm import processing_smolvlm

    monkeypatch.setattr(processing_smolvlm, "num2words", None)
    with refused("cannot load", folder, "num2words", "pip install"):
        HFBackend(str(folder), sampling=Sampling(4), device="cpu")
