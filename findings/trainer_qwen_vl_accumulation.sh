#!/usr/bin/env bash
# transformers Trainer + Qwen2.5-VL: the loss of a step depends on how it is cut into micro-batches.
#
# One would guess: since the repair of gradient accumulation, Trainer hands the number of label tokens
#   of the whole step to the model, so that one batch of two and two batches of one are the same step.
# What happens: that holds for a text model such as Qwen2. Qwen2.5-VL says `accepts_loss_kwargs = False`,
#   so Trainer averages the means of micro-batches: a sample with few labels counts as much as one with many.
# Seen, loss of the first step as (1 x 2, 2 x 1): {"Qwen2": "equal", "Qwen2.5-VL": "differ",
#   "accepts_loss_kwargs of Qwen2.5-VL": false}
# Versions: transformers 5.24.0, accelerate 1.15.0, torch 2.14.1 (some 6 GB to install). 2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
    torch==2.14.1 torchvision==0.29.1 transformers==5.24.0 accelerate==1.15.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import torch
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    Trainer,
    TrainingArguments,
)

SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2}


def text_model() -> torch.nn.Module:
    return Qwen2ForCausalLM(Qwen2Config(vocab_size=128, **SIZES))


def vision_model() -> torch.nn.Module:
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    text = {"vocab_size": 128, "rope_parameters": rope, **SIZES}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
    special = {"image_token_id": 120, "video_token_id": 121, "vision_start_token_id": 122, "vision_end_token_id": 123}
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision, **special))


def samples() -> list[dict[str, torch.Tensor]]:
    made = []
    for learned in (2, 14):  # of 16 tokens
        ids = torch.randint(100, (16,), generator=torch.Generator().manual_seed(learned))
        labels = ids.clone()
        labels[: 16 - learned] = -100
        made.append({"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels})
    return made


def first_loss(make, together: int) -> float:
    torch.manual_seed(0)
    arguments = TrainingArguments(
        output_dir="out", per_device_train_batch_size=together, gradient_accumulation_steps=2 // together, max_steps=1,
        logging_steps=1, report_to="none", use_cpu=True, save_strategy="no", disable_tqdm=True,
    )
    trainer = Trainer(make(), arguments, train_dataset=samples())
    trainer.train()
    return next(line["loss"] for line in trainer.state.log_history if "loss" in line)


seen = {}
for name, make in (("Qwen2", text_model), ("Qwen2.5-VL", vision_model)):
    one, two = first_loss(make, 2), first_loss(make, 1)
    print(name, one, two, file=sys.stderr)
    seen[name] = "equal" if abs(one - two) < 1e-4 else "differ"
seen["accepts_loss_kwargs of Qwen2.5-VL"] = vision_model().accepts_loss_kwargs
print(json.dumps(seen))
if seen != {"Qwen2": "equal", "Qwen2.5-VL": "differ", "accepts_loss_kwargs of Qwen2.5-VL": False}:
    sys.exit("changed: the loss of a step no longer depends on its micro-batches for Qwen2.5-VL alone")
EOF
"$work/venv/bin/python" see.py 2>stderr.txt || { grep -v "^ *$" stderr.txt | tail -n 8 >&2; exit 1; }
