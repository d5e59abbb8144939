#!/usr/bin/env bash
# What runs on a node: torchrun, with SIGTERM handed on to its ranks. They save, print how to go on, and end with status 0.
# torchrun by itself would hand it on too, but give them half a minute only and end with an error.
set -uo pipefail
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 # else ranks that --max-restarts starts again may wait for those that died
agent=
trap 'if [ -n "$agent" ]; then pkill -TERM -P "$agent"; else exit 143; fi' TERM
(trap '' TERM && exec torchrun --signals-to-handle SIGINT "$@") &
agent=$!
while true; do
    wait "$agent"
    kill -0 "$agent" 2>/dev/null && continue # the signal ended the waiting, not the agent
    wait "$agent" # its own status, though a signal came as it ended
    exit $?
done
