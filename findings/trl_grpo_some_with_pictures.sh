#!/usr/bin/env bash
# TRL GRPOTrainer + Qwen2.5-VL: a dataset in which some prompts have a picture and some have none.
#
# One would guess: `images` is a list for each prompt, so an empty list is a prompt without a picture, and
#   both kinds may stand in one dataset, since all with and all without are trained.
# What happens: all with and all without are trained; where one batch has both, `_tokenize_prompts` turns the
#   empty lists into None, which the processor refuses with a TypeError about "entries" of type NoneType.
# Seen: {"all with": "trained", "all without": "trained", "some with": "TypeError: only a single or a list of
#   entries is supported but got type=<class 'NoneType'>"}
# Versions: trl 1.16.0, transformers 5.24.0, torch 2.14.1, torchvision 0.29.1 (some 6 GB to install). 2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
    torch==2.14.1 torchvision==0.29.1 transformers==5.24.0 trl==1.16.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import torch
from datasets import Dataset
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)
from trl import GRPOConfig, GRPOTrainer

SPECIAL = ["<|end|>", "<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
TEMPLATE = (
    "{% for m in messages %}{% for part in m['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def processor() -> Qwen2_5_VLProcessor:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|end|>", pad_token="<|end|>", additional_special_tokens=SPECIAL[1:], padding_side="left"
    )
    return Qwen2_5_VLProcessor(Qwen2VLImageProcessor(), tokenizer, Qwen2VLVideoProcessor(), chat_template=TEMPLATE)


def model(tokenizer) -> Qwen2_5_VLForConditionalGeneration:
    ids = dict(zip(SPECIAL, tokenizer.convert_tokens_to_ids(SPECIAL)))
    sizes = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    text = {"vocab_size": len(tokenizer), "rope_parameters": rope, "eos_token_id": ids["<|end|>"], "bos_token_id": None, **sizes}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
    special = {
        "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"],
    }
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, **special))


def step(pictures: list[int]) -> str:
    picture = Image.new("RGB", (56, 56), "red")
    rows = Dataset.from_dict({
        "prompt": [[{"role": "user", "content": "What?"}]] * len(pictures),
        "images": [[picture] * n for n in pictures],
    })
    torch.manual_seed(0)
    mine = processor()
    arguments = GRPOConfig(
        output_dir="out", per_device_train_batch_size=4, num_generations=2, max_completion_length=4, max_steps=1,
        report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False, save_strategy="no", disable_tqdm=True, logging_strategy="no",
    )
    trainer = GRPOTrainer(
        model(mine.tokenizer), reward_funcs=lambda completions, **_: [0.0, 1.0] * (len(completions) // 2), args=arguments,
        train_dataset=rows, processing_class=mine,
    )
    try:
        trainer.train()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "trained"


seen = {"all with": step([1, 1]), "all without": step([0, 0]), "some with": step([1, 0])}
print(json.dumps(seen))
if (seen["all with"], seen["all without"]) != ("trained", "trained") or "NoneType" not in seen["some with"]:
    sys.exit("changed: prompts with and without a picture in one batch are no longer refused")
EOF
"$work/venv/bin/python" see.py 2>stderr.txt || { grep -v "^ *$" stderr.txt | tail -n 8 >&2; exit 1; }
