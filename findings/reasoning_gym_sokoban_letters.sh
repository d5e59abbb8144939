#!/usr/bin/env bash
# reasoning-gym + sokobanpy: a Sokoban board in one's letters is another board in the other's, and
#   is read without error.
#
# One would guess: a Sokoban text is in the letters that level files and players share: # wall, @
#   player, $ box, . goal, * box on a goal, + player on a goal.
# What happens: reasoning-gym writes + wall, * player, @ box, X goal, $ box on a goal, % player on a
#   goal, - floor. Four of its signs mean something else in the shared set, so a reader of that set
#   sees many players and no wall. sokobanpy drops the lines that hold X, % or -, and keeps the
#   rest, without an error. Letter by letter translation repairs it.
# Seen, 10 boards of seed 42 with reasoning-gym's own solution: {"read": 10, "solved as written": 0,
#   "solved when translated": 10}
# Versions: reasoning-gym 0.1.25, sokobanpy 1.3.0. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check reasoning-gym==0.1.25 sokobanpy==1.3.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import reasoning_gym
from sokobanpy.sokobanpy import Sokoban

SHARED = str.maketrans("+*@X$%-", "#@$.*+ ")
STEPS = {"U": Sokoban.UP, "D": Sokoban.DOWN, "L": Sokoban.LEFT, "R": Sokoban.RIGHT}


def board(question: str) -> str:
    lines = question.split("Here is your puzzle:")[1].splitlines()
    return "\n".join("".join(line.split()) for line in lines if line.strip())


def solved(level: str, moves: str) -> bool:
    game = Sokoban(level)
    for move in moves:
        game.move(STEPS[move])
    return game.is_solved()


data = reasoning_gym.create_dataset("sokoban", size=10, seed=42)
items = [(board(item["question"]), item["answer"]) for item in data]
seen = {
    "read": sum(Sokoban(level).nrow > 0 for level, _ in items),
    "solved as written": sum(solved(level, moves) for level, moves in items),
    "solved when translated": sum(solved(level.translate(SHARED), moves) for level, moves in items),
}
print(json.dumps(seen))
if list(seen.values()) != [10, 0, 10]:
    sys.exit("changed: reasoning-gym's Sokoban letters, or how sokobanpy reads them, are others now")
EOF
"$work/venv/bin/python" see.py
