#!/usr/bin/env bash
# What runs on a node: torchrun, with SIGTERM handed on to its ranks. They save, print how to go on, and end with status 0.
# torchrun by itself would hand it on too, but give them half a minute only and end with an error.
set -uo pipefail
(trap '' TERM && exec torchrun --signals-to-handle SIGINT "$@") &
agent=$!
trap 'pkill -TERM -P "$agent"' TERM
while true; do
    wait "$agent"
    status=$?
    kill -0 "$agent" 2>/dev/null || exit "$status" # else the signal ended the waiting, not the agent
done
