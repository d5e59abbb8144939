#!/usr/bin/env bash
# webdataset: samples that TarWriter wrote under keys with a dot are read back as one sample.
#
# One would guess: three samples written are three samples read, under their keys; or the writer
#   refuses a key that the reader cannot find again.
# What happens: the reader takes a key to end at the first dot of the file's name. The keys
#   maze-0.25-a, maze-0.25-b, maze-0.25-c share maze-0, and files that follow each other with one
#   key make one sample, with fields such as "25-a.txt". No warning. Samples in between with another
#   key part them again, so how many are left depends on their order. The field's name is also put
#   in lower case. A dot in a folder of the key does no harm.
# Seen: {"written": 3, "read": [["maze-0", ["25-a.txt", "25-b.txt", "25-c.txt"]]],
#   "with a comma": ["maze-0,25-a", "maze-0,25-b", "maze-0,25-c"],
#   "dot in the folder": ["maze-0.25/a", "maze-0.25/b", "maze-0.25/c"]}
# Versions: webdataset 1.0.2. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check webdataset==1.0.2
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import webdataset as wds


def there_and_back(keys: list[str]) -> list[list]:
    with wds.TarWriter("shard.tar") as tar:
        for key in keys:
            tar.write({"__key__": key, "txt": f"solution of {key}"})
    samples = wds.WebDataset("shard.tar", shardshuffle=False)
    return [[s["__key__"], [name for name in s if not name.startswith("__")]] for s in samples]


dot, comma, folder = (
    there_and_back([f"maze-0{mark}{name}" for name in "abc"]) for mark in (".25-", ",25-", ".25/")
)
seen = {
    "written": 3,
    "read": dot,
    "with a comma": [key for key, _ in comma],
    "dot in the folder": [key for key, _ in folder],
}
print(json.dumps(seen))
if dot != [["maze-0", ["25-a.txt", "25-b.txt", "25-c.txt"]]] or len(comma) != 3 or len(folder) != 3:
    sys.exit("changed: webdataset no longer reads keys with a dot as one sample")
EOF
"$work/venv/bin/python" see.py
