#!/usr/bin/env bash
# transformers 5 + 4: a Llama-family config that 5 wrote loses its rope_theta in 4, without a word.
#
# One would guess: config.json is the stable form in which checkpoints travel; 4.57 either reads what
#   5.24 wrote, or says that it cannot.
# What happens: 5.24 writes {"rope_parameters": {"rope_theta": 500000, ...}} and no rope_theta of its
#   own. 4.57.6 takes the unknown key along and computes with its default, 10000: the model loads, with
#   other positions. No warning is given, and the key that was ignored stands in the config object.
# Seen: {"written with": 500000.0, "top keys of config.json": ["rope_parameters"],
#   "theta in 4.57.6": 10000.0, "warnings": 0}
# Versions: transformers 5.24.0 and 4.57.6 (no torch is needed). 2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 5.24.0 4.57.6; do
    "${PYTHON:-python3}" -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --disable-pip-version-check "transformers==$version"
done
cd "$work"
cat >write.py <<'EOF'
from transformers import LlamaConfig

config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
config.rope_parameters = {"rope_type": "default", "rope_theta": 500000.0}
config.save_pretrained("model")
EOF
cat >read.py <<'EOF'
import json
import sys
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained("model")
written = json.load(open("model/config.json"))
seen = {
    "written with": written["rope_parameters"]["rope_theta"],
    "top keys of config.json": [key for key in written if "rope" in key],
    "theta in 4.57.6": config.rope_theta,
    "warnings": sum("rope" in str(warning.message) for warning in caught),
}
print(json.dumps(seen))
if seen["theta in 4.57.6"] != 10000.0 or seen["written with"] != 500000.0 or seen["warnings"]:
    sys.exit("changed: 4.57.6 reads the theta that 5.24.0 wrote, or says that it does not")
EOF
"$work/5.24.0/bin/python" write.py 2>/dev/null
"$work/4.57.6/bin/python" read.py 2>stderr.txt
if grep -qi rope stderr.txt; then
    echo "changed: 4.57.6 says something of the rope on stderr" >&2
    exit 1
fi
