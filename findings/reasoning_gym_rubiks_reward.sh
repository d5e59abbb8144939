#!/usr/bin/env bash
# reasoning-gym + magiccube: a solution of a 4x4x4 cube scores 0.01 if a move in it names its layer,
#   and the partial reward of the Rubik's cube is never paid.
#
# One would guess: the scorer reads the notation in which the same task stores its scrambles, since
#   magiccube, which turns its cubes, does; and a cube that is nearly solved earns more than an
#   answer that cannot be read, as the scorer's docstring says.
# What happens: moves are split into what is before a number and the number at the end, and a move
#   that starts with a number ("2B", the second layer) is left out without a word. From a size of 4
#   on nearly all scrambles hold such moves, so their exact reverse is wrong; with 2B written as
#   Bw B' it is right. The partial reward asks the cube for `faces`, which it does not have, and the
#   error is caught: whatever does not solve the cube earns 0.01, the figure for what is unreadable.
# Seen, 20 cubes of seed 42, by size: {"3": {"reverses that solve": 20, "scored 1": 20, "without
#   layers, scored 1": 20}, "4": {"reverses that solve": 20, "scored 1": 1, "without layers, scored
#   1": 20}, "one turn short": 0.01, "not moves": 0.01}
# Versions: reasoning-gym 0.1.25, with the magiccube 0.3.0 that it asks for. 2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check reasoning-gym==0.1.25 magiccube==0.3.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import reasoning_gym
from magiccube.cube import Cube, CubeMove


def reverse(moves: str) -> str:
    return " ".join(str(CubeMove.create(move).reverse()) for move in reversed(moves.split()))


def without_layers(moves: str) -> str:
    # Two layers less the outer one are the second layer; one layer is the outer one.
    plain = []
    for move in moves.split():
        face, back = move.strip("12w'"), move.endswith("'")
        if move.startswith("1"):
            plain.append(move.strip("1").replace("w", ""))
        elif move.startswith("2"):
            plain += [f"{face}w'", face] if back else [f"{face}w", f"{face}'"]
        else:
            plain.append(move)
    return " ".join(plain)


def solves(size: int, scramble: str, moves: str) -> bool:
    cube = Cube(size)
    cube.rotate(f"{scramble} {moves}")
    return cube.is_done()


def seen(size: int) -> dict[str, int]:
    data = reasoning_gym.create_dataset("rubiks_cube", cube_size=size, size=20, seed=42)
    count = {"reverses that solve": 0, "scored 1": 0, "without layers, scored 1": 0}
    for item in data:
        scramble = item["metadata"]["scramble_moves"]
        answer = reverse(scramble)
        count["reverses that solve"] += solves(size, scramble, answer)
        count["scored 1"] += data.score_answer(answer, item) == 1
        count["without layers, scored 1"] += data.score_answer(without_layers(answer), item) == 1
    return count


three = reasoning_gym.create_dataset("rubiks_cube", size=1, seed=42)
item = three[0]
short = reverse(item["metadata"]["scramble_moves"]).rsplit(" ", 1)[0]
table = {
    "3": seen(3),
    "4": seen(4),
    "one turn short": three.score_answer(short, item),
    "not moves": three.score_answer("I cannot tell", item),
}
print(json.dumps(table))
if [list(row.values()) for row in (table["3"], table["4"])] != [[20, 20, 20], [20, 1, 20]]:
    sys.exit("changed: reasoning-gym scores moves with a layer otherwise now")
if (table["one turn short"], table["not moves"]) != (0.01, 0.01):
    sys.exit("changed: reasoning-gym pays another partial reward for a Rubik's cube")
EOF
"$work/venv/bin/python" -W ignore see.py
