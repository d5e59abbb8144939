#!/usr/bin/env bash
# math-verify: move sequences and positions in another order count as equal.
#
# One would guess: verify() of two sequences of moves, or of two positions, is true only when they
#   are the same.
# What happens: letters are read as a product of variables, and a product commutes; the prime of R'
#   is dropped; a list without brackets is read as a set. So "U R" is accepted for "R U", "R U" for
#   "R U'" and "3, 2" for "2, 3". A pair in brackets does keep its order, and words in \text{...}
#   are compared as text.
# Seen: {"U R for R U": true, "R U for R U'": true, "U U R R for R U R' U'": true, "3, 2 for 2, 3":
#   true, "(3, 2) for (2, 3)": false, "text right for text left": false}
# Versions: math-verify 0.9.0, latex2sympy2_extended 1.11.0, sympy 1.14.0, antlr4-python3-runtime
#   4.13.2. 2026-11-28
# Reached by: accuracy_reward of TRL 1.16.0, which asks this function. Tried once beside it: 1.0 for
#   "U U R R" where R U R' U' was right, and for "3, 2" where 2, 3 was right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
    math-verify==0.9.0 latex2sympy2_extended==1.11.0 sympy==1.14.0 antlr4-python3-runtime==4.13.2
cd "$work"
cat >see.py <<'EOF'
import json
import sys

from math_verify import parse, verify


def accepted(truth: str, answer: str) -> bool:
    return bool(verify(parse(rf"\boxed{{{truth}}}"), parse(rf"The answer is \boxed{{{answer}}}.")))


seen = {
    "U R for R U": accepted("R U", "U R"),
    "R U for R U'": accepted("R U'", "R U"),
    "U U R R for R U R' U'": accepted("R U R' U'", "U U R R"),
    "3, 2 for 2, 3": accepted("2, 3", "3, 2"),
    "(3, 2) for (2, 3)": accepted("(2, 3)", "(3, 2)"),
    "text right for text left": accepted(r"\text{left}", r"\text{right}"),
}
print(json.dumps(seen))
if list(seen.values()) != [True, True, True, True, False, False]:
    sys.exit("changed: math-verify no longer takes moves for a product and an unbracketed pair for a set")
EOF
"$work/venv/bin/python" see.py
