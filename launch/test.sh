#!/usr/bin/env bash
# Everything that must hold: ruff, mypy, pytest (with two ranks and DeepSpeed). Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/environment.sh
use_environment test,harnesses

export TOKENIZERS_PARALLELISM=false WANDB_MODE=offline
ruff check .
ruff format --check .
mypy
python -m pytest "$@"
