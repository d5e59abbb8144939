#!/usr/bin/env bash
# Trains a stage with XTuner instead of idf's own loop, in an environment of its own (docs/xtuner.md).
# Usage: [NPROC_PER_NODE=8] bash launch/xtuner.sh CONFIG [options of `xtuner train`]
#        bash launch/xtuner.sh --install        makes the environment, and no more
# The environment is .venv-xtuner in the repository's root, or the folder that XTUNER_VENV names.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
venv="${XTUNER_VENV:-$root/.venv-xtuner}"
if [ $# -eq 0 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
    sed -n '2,5s/^# //p' "$0"
    exit $(($# == 0))
fi

stamp="$venv/idf-installed"
source "$root/launch/python.sh"
discard_broken "$venv" "$stamp" "$root"
if [ ! -e "$stamp" ] || [ "$root/requirements/xtuner.txt" -nt "$stamp" ]; then
    if [ ! -e "$venv" ]; then
        find_python 12 # XTuner 0.2.0 refuses 3.13
        echo "making $venv with $("$python" --version)"
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --upgrade pip setuptools
    fi
    echo "installing XTuner 0.2.0 without its pins (it wants transformers 4.48, which predates Qwen2.5-VL), beside"
    echo "transformers 4.57, into $venv (torch and DeepSpeed are large: some minutes, about 6 GB)"
    "$venv/bin/python" -m pip install --quiet --requirement "$root/requirements/xtuner.txt"
    "$venv/bin/python" -m pip install --quiet --no-deps xtuner==0.2.0 mmengine==0.10.7
    "$venv/bin/python" -m pip install --quiet --no-deps --editable "$root"
    touch "$stamp"
fi
[ "$1" != --install ] || exit 0

export PATH="$venv/bin:$PATH" TOKENIZERS_PARALLELISM=false
config="$1"
if [ ! -f "$config" ]; then
    echo "error: there is no config $config: those that come with idf are in recipes/xtuner/" >&2
    exit 1
fi
# `xtuner train` ends with status 0 whatever happened in it, so what counts is the folder that a whole run leaves.
run="$(python -c 'import sys; from mmengine.config import Config; print(Config.fromfile(sys.argv[1]).work_dir)' "$config")"
begun="$(mktemp)"
trap 'rm -f "$begun"' EXIT
xtuner train "$@"
if [ ! "$run/final/idf.json" -nt "$begun" ]; then
    echo "error: XTuner did not train to the end; what it said last is above" >&2
    exit 1
fi
