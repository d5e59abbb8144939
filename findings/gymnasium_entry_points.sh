#!/usr/bin/env bash
# gymnasium: a package that announces its environments by the entry point `gymnasium.envs` is found by 0.29.1 and not by 1.4.0.
#
# One would guess: `gymnasium.make("rooms/Empty-v0")` finds the environments of every installed package, as it did for years;
#   the entry point of an installed package is still listed by importlib.metadata.
# What happens: 1.4.0 looks at no entry point. The name is unknown until the package is imported, or the module is named
#   before a colon: `make("rooms:rooms/Empty-v0")`.
# Seen: {"0.29.1": {"by name": "made", "module:name": "made"}, "1.4.0": {"by name": "NamespaceNotFound", "module:name": "made"}}
# Versions: gymnasium 0.29.1 and 1.4.0, numpy 1.26.4. 2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/package"
cat >"$work/package/rooms.py" <<'PY'
from gymnasium.envs.registration import register, registry


def announce():
    if "rooms/Empty-v0" not in registry:
        register("rooms/Empty-v0", entry_point="rooms_empty:Empty")


announce()
PY
cat >"$work/package/rooms_empty.py" <<'PY'
import gymnasium


class Empty(gymnasium.Env):
    observation_space = action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 0.0, True, False, {}
PY
cat >"$work/package/pyproject.toml" <<'TOML'
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "rooms"
version = "1"

[project.entry-points."gymnasium.envs"]
rooms = "rooms:announce"

[tool.setuptools]
py-modules = ["rooms", "rooms_empty"]
TOML
cat >"$work/see.py" <<'PY'
import sys
import warnings

import gymnasium

warnings.simplefilter("ignore")
try:
    gymnasium.make(sys.argv[1])
    print("made")
except gymnasium.error.Error as error:
    print(type(error).__name__)
PY
seen=""
for version in 0.29.1 1.4.0; do
    "${PYTHON:-python3}" -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --disable-pip-version-check "gymnasium==$version" numpy==1.26.4 "$work/package" 2>/dev/null
    cd "$work"
    by_name=$("$work/$version/bin/python" see.py rooms/Empty-v0 2>/dev/null)
    by_module=$("$work/$version/bin/python" see.py rooms:rooms/Empty-v0 2>/dev/null)
    seen="$seen${seen:+, }\"$version\": {\"by name\": \"$by_name\", \"module:name\": \"$by_module\"}"
done
echo "{$seen}"
wanted='"0.29.1": {"by name": "made", "module:name": "made"}, "1.4.0": {"by name": "NamespaceNotFound", "module:name": "made"}'
[ "$seen" = "$wanted" ] || { echo "changed: gymnasium 1.4.0 looks at entry points again, or 0.29.1 does not"; exit 1; }
