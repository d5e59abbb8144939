#!/usr/bin/env bash
# Does imagining first pay? The miniature study on a tiny model; arguments go to bench/study/__main__.py (--quick, --plan, key=value).
# Safe to kill and to run again: what is done is kept, in runs/study.
set -euo pipefail
cd "$(dirname "$0")/../.."
source launch/environment.sh
use_environment train

export TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 PYTHONWARNINGS=ignore
python -m bench.study "$@"
