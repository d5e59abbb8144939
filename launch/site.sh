#!/usr/bin/env bash
# The site of docs/, into site/: open site/index.html. A broken link among pages is an error. Arguments go to `mkdocs build`.
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/environment.sh
use_environment docs
export NO_MKDOCS_2_WARNING=true
python -m mkdocs build --strict "$@"
