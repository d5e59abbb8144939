#!/usr/bin/env bash
# The fast tests of what touches transformers, with the oldest release that pyproject.toml admits. Arguments go to pytest.
# The environment is .venv/floor: that of launch/test.sh, with another transformers in front.
set -euo pipefail
cd "$(dirname "$0")/.."
source launch/environment.sh
use_environment test,harnesses

export TOKENIZERS_PARALLELISM=false WANDB_MODE=offline
floor="$(sed -n 's/.*"transformers>=\([0-9.]*\),.*/\1/p' pyproject.toml)"
stamp=".venv/floor/transformers-$floor"
if [ ! -e "$stamp" ]; then
    rm -rf .venv/floor
    python -m venv --without-pip .venv/floor
    above="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    packages="$(.venv/floor/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    python -m pip install --quiet --no-deps --target "$packages" "transformers==$floor.0" "huggingface-hub<2" # which that one asks for
    echo "import site; site.addsitedir('$above')" >"$packages/above.pth"
    touch "$stamp"
fi
.venv/floor/bin/python -c "
import sys, transformers
print('transformers', transformers.__version__)
sys.exit(not transformers.__version__.startswith('$floor.'))"
# What asks transformers in the tests' own process; the rest starts programs, as launch/test.sh does.
within=(model families encode load lora layout qwen_vl_utils)
.venv/floor/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" -p no:cacheprovider "$@" \
    $(printf "tests/training/test_%s.py " "${within[@]}") tests/backends/test_hf.py tests/evaluation/test_job.py
