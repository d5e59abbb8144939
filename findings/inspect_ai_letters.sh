#!/usr/bin/env bash
# inspect_ai: answer("letter") refuses a letter that is marked up, and match() accepts any answer
#   that ends in it.
#
# One would guess: "ANSWER: **B**" and "ANSWER: (B)", as chat models write them, are read as B; "AB"
#   and "12" are not taken for "B" and "2".
# What happens: answer("letter") finds no letter behind **, ( or \boxed{ and scores I, as for a
#   wrong answer. match() compares the end of the text letter by letter, so "AB" is right
#   where B is asked and "12" where 2 is asked; match(numeric=True) does tell 12 from 2.
# Seen: answer("letter"), target B: B C, B. C, **B** I, (B) I, \boxed{B} I (C correct, I incorrect).
#   match(), "AB" for B C, "The count is 12" for 2 C, the same with numeric=True I.
# Versions: inspect_ai 0.3.285. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check inspect_ai==0.3.285
cd "$work"
cat >see.py <<'EOF'
import asyncio
import json
import sys

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer, Target, answer, match
from inspect_ai.solver import TaskState


def grade(scorer: Scorer, text: str, target: str) -> str:
    output = ModelOutput.from_content("none", text)
    state = TaskState(model="none/none", sample_id=1, epoch=1, input="", messages=[], output=output)
    return str(asyncio.run(scorer(state, Target(target))).value)


forms = ("B", "B.", "**B**", "(B)", r"\boxed{B}")
letters = {form: grade(answer("letter"), f"ANSWER: {form}", "B") for form in forms}
ends = {
    "AB for B": grade(match(), "AB", "B"),
    "12 for 2": grade(match(), "The count is 12", "2"),
    "12 for 2, numeric": grade(match(numeric=True), "The count is 12", "2"),
}
print(json.dumps({"answer": letters, "match": ends}))
if "".join(letters.values()) != "CCIII" or "".join(ends.values()) != "CCI":
    sys.exit("changed: inspect_ai reads marked-up letters or the ends of answers in another way")
EOF
"$work/venv/bin/python" see.py
