#!/usr/bin/env bash
# MMEngine: a config that starts with `import os` is read or refused by the folder that the command
#   runs in.
#
# One would guess: whether a config is one of the new kind ("lazy", where imports stand for objects
#   to be made later) is told by its text, and a module of the standard library is never lazy.
# What happens: an import is looked up, and the module's file must lie below the folder of the
#   Python that runs. Python 3.11 and newer give "frozen" as the file of os; joined with the working
#   folder, that is below the environment only when the command runs inside it. Elsewhere the config
#   is lazy, os is a placeholder, and calling anything of it raises a RuntimeError without a text.
#   lazy_import=False reads it everywhere. (Modules with a real file, such as json, depend on where
#   the Python that made the environment lies.)
# Seen: {"inside the environment": 7, "elsewhere": "RuntimeError('')", "elsewhere, lazy_import=False": 7}
# Versions: mmengine-lite 0.10.7, Python 3.11. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mmengine-lite==0.10.7 packaging==26.4
cd "$work"
cat >config.py <<'EOF'
import os

seed = int(os.environ.get("SEED_OF_THIS_RUN", "7"))
EOF
cat >see.py <<'EOF'
import json
import os
import pathlib
import sys

from mmengine.config import Config

config = str(pathlib.Path("config.py").resolve())


def read(**options) -> object:
    try:
        return Config.fromfile(config, **options).seed
    except RuntimeError as error:
        return f"RuntimeError({str(error)!r})"


elsewhere, plain = read(), read(lazy_import=False)
os.chdir(sys.prefix)
inside = read()
print(json.dumps({"inside the environment": inside, "elsewhere": elsewhere, "elsewhere, lazy_import=False": plain}))
if (inside, elsewhere, plain) != (7, "RuntimeError('')", 7):
    sys.exit("changed: MMEngine no longer tells by the working folder whether `import os` is lazy")
EOF
"$work/venv/bin/python" see.py
