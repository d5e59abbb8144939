#!/usr/bin/env bash
# kociemba: a solved cube gets a solution of 13 moves.
#
# One would guess: the solution of a solved cube is empty, as short cubes get short solutions.
# What happens: it gives 13 moves that lead back to it, while all cubes one or two turns away get
#   one or two moves. A label "moves to go" taken from its length is wrong just where a model should
#   learn that nothing is left to do, and "solved" is never an empty solution: compare the state.
# Seen: {"solved": 13, "comes back": true, "1 turn": {"1": 18}, "2 turns": {"2": 243}} (cubes by
#   length of solution)
# Versions: kociemba 1.2.1, with pycuber 0.2.2 to turn the cube. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check kociemba==1.2.1 pycuber==0.2.2
cd "$work"
cat >see.py <<'EOF'
import json
import sys
from collections import Counter

import kociemba
import pycuber

FACE_OF = {"y": "U", "o": "R", "g": "F", "w": "D", "r": "L", "b": "B"}  # pycuber's colors, solved
TURNS = [face + times for face in "URFDLB" for times in ("", "'", "2")]


def state(moves: str) -> str:
    cube = pycuber.Cube()
    cube(moves)
    faces = [cube.get_face(face) for face in "URFDLB"]
    return "".join(FACE_OF[str(square)[1]] for face in faces for row in face for square in row)


def lengths(states: set[str]) -> dict[int, int]:
    return dict(Counter(len(kociemba.solve(cube).split()) for cube in states))


solved = state("")
one = {state(turn) for turn in TURNS}
two = {state(f"{first} {second}") for first in TURNS for second in TURNS} - one - {solved}
solution = kociemba.solve(solved)
seen = {
    "solved": len(solution.split()),
    "comes back": state(solution) == solved,
    "1 turn": lengths(one),
    "2 turns": lengths(two),
}
print(json.dumps(seen))
if list(seen.values()) != [13, True, {1: 18}, {2: 243}]:
    sys.exit("changed: kociemba no longer gives 13 moves for a solved cube, or 1 and 2 for its neighbours")
EOF
"$work/venv/bin/python" see.py
