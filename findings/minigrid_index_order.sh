#!/usr/bin/env bash
# MiniGrid: obs["image"] is [column, row] as codes and [row, column] as a picture, under the same
#   key.
#
# One would guess: one environment's wrappers keep one order of axes, rows first as in every picture
#   array.
# What happens: FullyObsWrapper's "image" is indexed [x, y]; RGBImgObsWrapper's, under the same key,
#   [y, x]. The worlds are square, so no shape gives it away: a text map or a label made from the
#   codes row by row is the picture mirrored at its diagonal.
# Seen, MiniGrid-DoorKey-8x8-v0, seed 3, key at x 2, y 4: {"key in the codes": [2, 4], "key in the
#   picture": [4, 2]}
# Versions: minigrid 3.2.0, gymnasium 1.4.0, numpy 2.4.6. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check minigrid==3.2.0 gymnasium==1.4.0 numpy==2.4.6
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import gymnasium as gym
import minigrid  # noqa: F401  # registers the environments
import numpy as np
from minigrid.core.constants import OBJECT_TO_IDX
from minigrid.wrappers import FullyObsWrapper, RGBImgObsWrapper

WORLD, SEED, TILE = "MiniGrid-DoorKey-8x8-v0", 3, 8

codes = FullyObsWrapper(gym.make(WORLD))
grid = codes.reset(seed=SEED)[0]["image"][:, :, 0]
in_codes = np.argwhere(grid == OBJECT_TO_IDX["key"])[0].tolist()

picture = RGBImgObsWrapper(gym.make(WORLD, highlight=False), tile_size=TILE)
image = picture.reset(seed=SEED)[0]["image"]
world = picture.unwrapped
tiles = image.reshape(world.height, TILE, world.width, TILE, 3).swapaxes(1, 2)
yellow = (tiles[..., 0] > 200) & (tiles[..., 1] > 200) & (tiles[..., 2] < 50)
colored = {(int(a), int(b)) for a, b in np.argwhere(yellow.any(axis=(2, 3)))}  # the yellow door is darker
cells = [(x, y) for x in range(world.width) for y in range(world.height) if world.grid.get(x, y)]
key = next(cell for cell in cells if world.grid.get(*cell).type == "key")
print(json.dumps({"key in the codes": in_codes, "key in the picture": sorted(colored)[0]}))
if world.grid.get(*key).color != "yellow" or key[0] == key[1]:
    sys.exit("changed: MiniGrid's seed 3 no longer gives a world that tells the orders apart")
if in_codes != list(key) or colored != {key[::-1]}:
    sys.exit("changed: MiniGrid's codes and pictures no longer differ in the order of their axes")
EOF
"$work/venv/bin/python" see.py
