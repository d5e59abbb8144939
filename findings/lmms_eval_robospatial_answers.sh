#!/usr/bin/env bash
# lmms-eval's RoboSpatial: points as its prompt asks for them score 0, and a "yes" beside "notebook" is wrong.
#
# One would guess: a response in the form that the task's own prompt asks for (points as JSON, no
#   additional text) is read; and of a yes-or-no answer the words are compared.
# What happens: points are looked for in a fenced block alone, which the prompt does not mention, so
#   the same right point scores 1 with a fence and 0 without. In the last line of a yes-or-no answer
#   "yes" and "no" are looked for as letters within words: "Yes, it fits on the notebook." is wrong
#   where yes is right, since "notebook" holds "no".
# Seen: {"point, fenced": 1.0, "point, bare": 0.0, "yes": true, "yes, on the table": true,
#   "yes, on the notebook": false}
# Versions: lmms-eval 0.7.3, numpy 2.4.6, pandas 3.0.3, pillow 13.0.0. 2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 pandas==3.0.3 pillow==13.0.0
"$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps lmms-eval==0.7.3
cd "$work"
cat >see.py <<'EOF'
import importlib.util
import json
import sys
import sysconfig
from pathlib import Path

from PIL import Image

# The task's functions alone: the package would import torch.
path = Path(sysconfig.get_path("purelib"), "lmms_eval/tasks/robo_spatial/utils.py")
spec = importlib.util.spec_from_file_location("task", path)
task = importlib.util.module_from_spec(spec)
spec.loader.exec_module(task)

Image.new("L", (640, 480), 255).save("mask.png")  # every point is right
point = {"category": "context", "answer": "[(0.5, 0.5)]", "mask_path": "mask.png"}
prompt = task.get_post_prompt(point)
if "JSON" not in prompt or "```" in prompt:
    sys.exit("changed: the prompt asks for another form")
bare = '[{"point_2d": [500, 500], "label": "free space"}]'
seen = {
    "point, fenced": task.evaluate_pointing_with_mask(point, f"```json\n{bare}\n```"),
    "point, bare": task.evaluate_pointing_with_mask(point, bare),
    "yes": task.evaluate_binary_answer("yes", "Answer: yes"),
    "yes, on the table": task.evaluate_binary_answer("yes", "Yes, it fits on the table."),
    "yes, on the notebook": task.evaluate_binary_answer("yes", "Yes, it fits on the notebook."),
}
print(json.dumps(seen))
if list(seen.values()) != [1.0, 0.0, True, True, False]:
    sys.exit("changed: RoboSpatial reads answers otherwise")
EOF
"$work/venv/bin/python" see.py
