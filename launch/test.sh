#!/usr/bin/env bash
# What must hold: ruff, mypy, the floors of the rooms, pytest (with two ranks and DeepSpeed), two tests at a time. Arguments go to pytest.
# `bash launch/test.sh --all` also runs the full matrices and the long proofs.
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/environment.sh
use_environment test,harnesses

export TOKENIZERS_PARALLELISM=false WANDB_MODE=offline
ruff check .
ruff format --check .
mypy
lint-imports
timing=()
[ -z "${IDF_TIMES:-}" ] || timing=(-p bench.ci) # a line for each test in that file
python -m pytest ${timing[@]+"${timing[@]}"} -n 2 --dist loadfile --no-loadscope-reorder "$@"
