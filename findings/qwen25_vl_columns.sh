#!/usr/bin/env bash
# Qwen2.5-VL's rotary positions: how far the language model turns a picture's rows and its columns.
#
# One would guess: a picture's token has a row and a column, and both count alike in attention.
# What happens: `mrope_section` hands the fastest rotations to time, the next to rows and the slowest to columns.
#   With the 7B's published numbers (128 dimensions, theta 1e6, sections 16, 24, 24) a step down turns by at most
#   0.0316 rad and a step aside by 0.00018: 178 times less. Moving a key by 30 rows changes its product with an equal
#   query by some 2 %, by 30 columns by 0.0001 %. Qwen3-VL's interleaved sections treat both alike.
# Seen: qwen2_5_vl turn a step, radians: row 0.031623 column 0.000178; 30 steps cost row 0.019163 column 0.000001
#       qwen3_vl turn a step, radians: row 0.785830 column 0.617529; 30 steps cost row 0.073594 column 0.085373
# Versions: transformers 5.24.0, torch 2.14.1 (some 6 GB to install). 2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check torch==2.14.1 transformers==5.24.0
cd "$work"
cat >see.py <<'PY'
import sys

import torch
from transformers import Qwen2_5_VLTextConfig, Qwen3VLTextConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRotaryEmbedding
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextRotaryEmbedding

STEPS = 30
# Shapes and positions as in the config.json of Qwen2.5-VL-7B-Instruct and Qwen3-VL-8B-Instruct.
older = Qwen2_5_VLTextConfig(
    hidden_size=3584,
    num_attention_heads=28,
    rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
)
newer = Qwen3VLTextConfig(
    head_dim=128,
    rope_parameters={"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20], "mrope_interleaved": True},
)


def told(rotary, axis):
    """The largest turn of one step along an axis, and what the product of a vector with itself loses over STEPS steps."""
    positions = torch.zeros(3, 1, STEPS + 1, dtype=torch.long)  # time, row, column
    positions[axis, 0] = torch.arange(STEPS + 1)
    cos, sin = (one[0, :, :64].double() for one in rotary(torch.zeros(1, dtype=torch.float32), positions))
    turned = torch.atan2(sin, cos)
    return turned[1].abs().max().item(), 1 - cos[STEPS].mean().item()


found = {}
for name, rotary in (("qwen2_5_vl", Qwen2_5_VLRotaryEmbedding(older)), ("qwen3_vl", Qwen3VLTextRotaryEmbedding(newer))):
    (row, row_cost), (column, column_cost) = told(rotary, 1), told(rotary, 2)
    found[name] = row / column
    print(
        f"{name} turn a step, radians: row {row:.6f} column {column:.6f}; "
        f"{STEPS} steps cost row {row_cost:.6f} column {column_cost:.6f}"
    )
if not (150 < found["qwen2_5_vl"] < 200 and found["qwen3_vl"] < 2):
    sys.exit(f"changed: rows turn {found} times as far as columns")
PY
"$work/venv/bin/python" see.py
