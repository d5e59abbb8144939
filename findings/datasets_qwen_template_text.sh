#!/usr/bin/env bash
# datasets + the chat templates of Qwen2.5-VL and Qwen3-VL: a question that went through a data set
#   is rendered as a second picture, and its text is gone.
#
# One would guess: messages out of a Dataset render as the messages that went in.
# What happens: Dataset.from_list stores the parts of a message as one struct, so each part gets
#   every key, None where it had none. The templates ask whether the key "image" is there, before
#   they ask for the type, and so take the text part for a picture. No error where no pictures are
#   counted. The same rows as a JSON file keep their keys (load_dataset makes it a Json column), and
#   without a key "image" beside the type, or with the None taken out, all is right. SmolVLM's
#   template asks for the type alone.
# Seen, rendered text between the user's marks, V for the three picture marks:
#   as written: "VWhich way?"; from_list: "VV" with qwen2_5_vl and qwen3_vl, and "VWhich way?" from
#   the JSON file
# Versions: datasets 5.2.0, trl 1.16.0 (only its copies of the templates), jinja2 3.1.6. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 jinja2==3.1.6
"$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps trl==1.16.0
cd "$work"
export HF_HOME="$work/home" HF_HUB_OFFLINE=1
cat >see.py <<'EOF'
import json
import pathlib
import sys
from importlib.metadata import distribution

import jinja2
from datasets import Dataset, disable_progress_bars, load_dataset

disable_progress_bars()
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
templates = pathlib.Path(str(distribution("trl").locate_file("trl/chat_templates")))
environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as transformers does


def rendered(name: str, row: dict) -> str:
    template = environment.from_string((templates / f"{name}.jinja").read_text())
    text = template.render(messages=row["messages"], add_generation_prompt=False)
    return text.split("user\n")[1].split("<|im_end|>")[0].replace(PICTURE, "V")


parts = [{"type": "image", "image": "maze.png"}, {"type": "text", "text": "Which way?"}]
row = {"messages": [{"role": "user", "content": parts}]}
pathlib.Path("rows.jsonl").write_text(json.dumps(row) + "\n")
sources = {
    "as written": row,
    "from_list": Dataset.from_list([row])[0],
    "JSON file": load_dataset("json", data_files="rows.jsonl", split="train")[0],
}
seen = {name: {k: rendered(name, v) for k, v in sources.items()} for name in ("qwen2_5_vl", "qwen3_vl")}
print(json.dumps(seen))
expected = {"as written": "VWhich way?", "from_list": "VV", "JSON file": "VWhich way?"}
if any(table != expected for table in seen.values()):
    sys.exit("changed: Qwen's templates, or datasets' parts of messages, no longer lose the text")
EOF
"$work/venv/bin/python" see.py
