#!/usr/bin/env bash
# The environment that `python bench/train.py --llama-factory DIR` takes: bash bench/llamafactory.sh DIR
# LLaMA-Factory 0.9.5 wants an older transformers. What it needs otherwise, torch first, comes from the Python that is called
# here, which must be that of launch/environment.sh; the packages below lie in front of it.
set -euo pipefail
folder="$1"
rm -rf "$folder"
python -m venv --without-pip "$folder"
above="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
packages="$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
python -m pip install --quiet --no-deps --target "$packages" llamafactory==0.9.5 transformers==5.6.0 trl==0.24.0 \
    peft==0.18.1 accelerate==1.11.0 datasets==4.0.0 dill==0.3.8 multiprocess==0.70.16 fsspec==2025.3.0 \
    tokenizers==0.22.2 huggingface-hub==1.33.0 torchaudio==2.11.1 omegaconf==2.3.0 antlr4-python3-runtime==4.9.3
echo "import site; site.addsitedir('$above')" >"$packages/above.pth"
"$folder/bin/python" -c "
from importlib.metadata import version
print({name: version(name) for name in ('llamafactory', 'transformers', 'trl', 'peft', 'accelerate', 'datasets', 'torch')})"
