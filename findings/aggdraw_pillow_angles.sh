#!/usr/bin/env bash
# aggdraw + Pillow: the same arc call draws mirrored pictures, since the angles turn opposite ways.
#
# One would guess: aggdraw, which takes the method names, boxes and degrees of ImageDraw and smooths
#   the edges, draws an arc from 10 to 80 degrees where ImageDraw does.
# What happens: Pillow counts clockwise from three o'clock, aggdraw counter-clockwise. arc, chord
#   and pieslice come out in the lower right quarter with Pillow and in the upper right one with
#   aggdraw.
# Seen, quarters that hold ink: {"arc": ["lower right", "upper right"], "chord": ["lower right",
#   "upper right"], "pieslice": ["lower right", "upper right"]} (Pillow, aggdraw)
# Versions: aggdraw 1.4.1, pillow 13.0.0. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check aggdraw==1.4.1 pillow==13.0.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import aggdraw
from PIL import Image, ImageDraw

BOX, START, END = (10, 10, 90, 90), 10, 80
QUARTERS = {
    "upper left": (0, 0, 50, 50),
    "upper right": (50, 0, 100, 50),
    "lower left": (0, 50, 50, 100),
    "lower right": (50, 50, 100, 100),
}


def inked(image: Image.Image) -> str:
    return " and ".join(name for name, box in QUARTERS.items() if image.crop(box).getextrema()[0] < 128)


def pillow(shape: str) -> str:
    image = Image.new("L", (100, 100), 255)
    getattr(ImageDraw.Draw(image), shape)(BOX, START, END, fill=0)
    return inked(image)


def agg(shape: str) -> str:
    image = Image.new("L", (100, 100), 255)
    draw = aggdraw.Draw(image)
    tool = aggdraw.Pen("black", 2) if shape == "arc" else aggdraw.Brush("black")
    getattr(draw, shape)(BOX, START, END, tool)
    draw.flush()
    return inked(image)


seen = {shape: [pillow(shape), agg(shape)] for shape in ("arc", "chord", "pieslice")}
print(json.dumps(seen))
if any(quarters != ["lower right", "upper right"] for quarters in seen.values()):
    sys.exit("changed: Pillow's and aggdraw's angles no longer turn opposite ways")
EOF
"$work/venv/bin/python" see.py
