#!/usr/bin/env bash
# What runs on a node: torchrun with a rank for each GPU that SLURM gave, and SIGTERM handed on to its ranks. They save, print
# how to resume, and end with status 0. torchrun by itself would hand it on too, but give them half a minute only and end with
# an error. IDF_RANKS_PER_NODE is the number of ranks where there are no GPUs (device=cpu).
set -uo pipefail
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 # else ranks that --max-restarts starts again may wait for those that died
ranks="${IDF_RANKS_PER_NODE:-${SLURM_GPUS_ON_NODE:-}}"
if [ -z "$ranks" ] && [ -n "${CUDA_VISIBLE_DEVICES:-}" ]; then # an older SLURM, or --gres
    listed="${CUDA_VISIBLE_DEVICES//[!,]/}"
    ranks=$((${#listed} + 1))
fi
if [ -z "$ranks" ]; then
    echo "error: SLURM gave no GPU on $(hostname): submit with --gpus-per-node=N, or set IDF_RANKS_PER_NODE for device=cpu" >&2
    exit 1
fi
agent=
hand_on() { # to the agent's children, the ranks
    [ -n "$agent" ] || exit 143
    local children=
    read -r children 2>/dev/null <"/proc/$agent/task/$agent/children" || true # no line end; nothing if it is gone
    # shellcheck disable=SC2086
    [ -z "$children" ] || kill -TERM $children 2>/dev/null
}
trap hand_on TERM
(trap '' TERM && exec torchrun --signals-to-handle SIGINT --nproc_per_node "$ranks" "$@") &
agent=$!
while true; do
    wait "$agent"
    kill -0 "$agent" 2>/dev/null && continue # the signal ended the waiting, not the agent
    wait "$agent" # its own status, though a signal came as it ended
    exit $?
done
