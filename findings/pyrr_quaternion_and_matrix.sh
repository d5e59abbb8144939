#!/usr/bin/env bash
# pyrr: a quaternion and the matrix made from it turn a vector opposite ways, and Euler angles turn
#   it about another axis.
#
# One would guess: the same turn as a quaternion, as that quaternion's matrix, or as a matrix made
#   from the angle, moves a vector to the same place.
# What happens: Matrix * vector is the row times the matrix, while the matrices made from an angle
#   about an axis of the frame, and those made from a quaternion, are those for a column. So they
#   turn clockwise what the quaternion turns counter-clockwise; create_from_axis_rotation is made for
#   a row and agrees with the quaternion. The third Euler angle is a turn about z in a quaternion
#   and about y in a matrix. A cube rolled in quaternions and drawn with matrices rolls the other
#   way in the picture.
# Seen, where a quarter turn about z brings +x: {"quaternion": "+y", "its matrix": "-y",
#   "matrix from angle": "-y", "that one, with numpy's @": "+y", "matrix from axis and angle": "+y",
#   "quaternion from eulers": "+y", "matrix from eulers": "+z"}
# Versions: pyrr 0.10.3, numpy 2.4.6. 2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pyrr==0.10.3 numpy==2.4.6
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import numpy as np
from pyrr import Matrix33, Quaternion, Vector3, euler, matrix33

QUARTER = np.pi / 2
X, Z = Vector3([1.0, 0.0, 0.0]), Vector3([0.0, 0.0, 1.0])


def where(vector) -> str:
    x, y, z = (int(round(float(value))) for value in vector)
    return {(0, 1, 0): "+y", (0, -1, 0): "-y", (0, 0, 1): "+z"}.get((x, y, z), str((x, y, z)))


quaternion = Quaternion.from_z_rotation(QUARTER)
matrix = Matrix33.from_z_rotation(QUARTER)
angles = euler.create_from_z_rotation(QUARTER)
seen = {
    "quaternion": where(quaternion * X),
    "its matrix": where(quaternion.matrix33 * X),
    "matrix from angle": where(matrix * X),
    "that one, with numpy's @": where(np.asarray(matrix) @ np.asarray(X)),
    "matrix from axis and angle": where(Matrix33(matrix33.create_from_axis_rotation(Z, QUARTER)) * X),
    "quaternion from eulers": where(Quaternion.from_eulers(angles) * X),
    "matrix from eulers": where(Matrix33.from_eulers(angles) * X),
}
print(json.dumps(seen))
if list(seen.values()) != ["+y", "-y", "-y", "+y", "+y", "+y", "+z"]:
    sys.exit("changed: pyrr's quaternions, matrices and Euler angles turn otherwise now")
EOF
"$work/venv/bin/python" see.py
