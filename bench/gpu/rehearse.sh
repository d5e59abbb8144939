#!/usr/bin/env bash
# Runs every measurement of bench/gpu/run.py at tiny shapes on the CPU, with the GPU machine's versions and the bundle's wheels.
# Usage: [PYTHON=/path/to/python3.12] bash bench/gpu/rehearse.sh [DIR]      (results: DIR, default runs/gpu-rehearsal)
# It takes idf's environment for pack.sh, and makes another one of 5 GB in .venv-rehearsal, once.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
cd "$root"
out="$(realpath -m "${1:-runs/gpu-rehearsal}")"
venv="$root/.venv-rehearsal"

find_python312() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
            python312="$candidate"
            return 0
        fi
    done
    echo "error: the rehearsal needs Python 3.12, as the GPU machine has it, and none was found: name one with PYTHON=/path/to/python3.12" >&2
    exit 1
}

stamp="$venv/made"
if [ ! -e "$stamp" ] || [ bench/gpu/machine.txt -nt "$stamp" ]; then
    find_python312
    echo "making $venv with the GPU machine's packages (torch is large: some minutes, 5 GB)"
    "$python312" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement bench/gpu/machine.txt
    touch "$stamp"
fi
# Whatever the bundle carries must come from it, even where another package brought it along.
sed -e '/^#/d' -e 's/==.*//' bench/gpu/carried.txt |
    xargs "$venv/bin/python" -m pip uninstall --quiet --yes --disable-pip-version-check 2>/dev/null

bash bench/gpu/pack.sh
rm -rf "$out"
cd bench/gpu/bundle
# As on the day: nothing is found but the bundle and the machine's own packages, and no registry can be asked.
status=0
env -u PYTHONPATH PIP_NO_INDEX=1 "$venv/bin/python" bench/gpu/run.py --cpu --minutes 60 --out "$out" || status=$?
"$venv/bin/python" - "$out/results.json" <<'CHECK'
import json, sys
measured = json.load(open(sys.argv[1]))["measurements"]
wrong = [f"{name} ({one['status']})" for name, one in measured.items() if one["status"] not in ("done", "left out")]
if wrong:
    sys.exit(f"error: the rehearsal failed: {', '.join(wrong)}: see log.txt beside {sys.argv[1]}")
CHECK
exit "$status"
