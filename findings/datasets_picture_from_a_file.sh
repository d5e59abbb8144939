#!/usr/bin/env bash
# datasets + Pillow: a picture opened from a file is stored as its file name, so what was drawn on
#   it is lost.
#
# One would guess: a column built from PIL pictures holds the pixels that they have, and to_parquet
#   writes pictures.
# What happens: a PIL picture that knows a file name is stored as that name alone. Marks drawn on it
#   in place, pasting and thumbnail() are dropped without a word, in from_dict and in map.
#   to_parquet then writes the name and no bytes: a shard copied to another machine holds no
#   picture. im.copy() has no file name and is stored as drawn.
# Seen, a white file painted red: {"pixel drawn": [255, 0, 0], "pixel stored": [255, 255, 255],
#   "stored by map": [255, 255, 255], "size after thumbnail": [8, 8], "copy stored": [255, 0, 0],
#   "in parquet": {"bytes": null, "path": "scene.png"}}
# Versions: datasets 5.2.0, pillow 13.0.0, pyarrow 26.0.1. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 pillow==13.0.0 pyarrow==26.0.1
cd "$work"
export HF_HOME="$work/cache" HF_HUB_OFFLINE=1
cat >see.py <<'EOF'
import json
import sys

import datasets
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

datasets.disable_progress_bars()
FEATURES = datasets.Features({"image": datasets.Image()})
Image.new("RGB", (8, 8), "white").save("scene.png")


def paint(image: Image.Image) -> Image.Image:
    ImageDraw.Draw(image).rectangle((0, 0, 7, 7), fill="red")
    return image


def store(image: Image.Image | str) -> datasets.Dataset:
    return datasets.Dataset.from_dict({"image": [image]}, features=FEATURES)


def pixel(image: Image.Image) -> list[int]:
    return list(image.getpixel((4, 4)))


painted = paint(Image.open("scene.png"))
small = Image.open("scene.png")
small.thumbnail((4, 4))
mapped = store("scene.png").map(lambda row: {"image": paint(row["image"])})
store(painted).to_parquet("shard.parquet")
seen = {
    "pixel drawn": pixel(painted),
    "pixel stored": pixel(store(painted)[0]["image"]),
    "stored by map": pixel(mapped[0]["image"]),
    "size after thumbnail": list(store(small)[0]["image"].size),
    "copy stored": pixel(store(painted.copy())[0]["image"]),
    "in parquet": pq.read_table("shard.parquet").to_pylist()[0]["image"],
}
print(json.dumps(seen))
red, white = [255, 0, 0], [255, 255, 255]
if list(seen.values()) != [red, white, white, [8, 8], red, {"bytes": None, "path": "scene.png"}]:
    sys.exit("changed: datasets no longer stores a picture opened from a file as its file name alone")
EOF
"$work/venv/bin/python" see.py
