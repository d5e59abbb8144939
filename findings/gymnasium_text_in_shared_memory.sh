#!/usr/bin/env bash
# Gymnasium: AsyncVectorEnv with shared memory, its default, never shows a Text observation.
#
# One would guess: the text of a Dict observation changes with the rest of it, or the space is
#   refused.
# What happens: each text is the first letter of the charset, max_length times, after reset and
#   after every step, with no warning, while the numbers beside it change. The text is turned into a
#   Python string once, when the environment is made. shared_memory=False and SyncVectorEnv give the
#   right text.
# Seen, one environment, text f"at {x}", after reset and two steps:
#   shared memory     [[0, "aaaaaaaa"], [1, "aaaaaaaa"], [2, "aaaaaaaa"]]
#   no shared memory  [[0, "at 0"], [1, "at 1"], [2, "at 2"]]
#   in one process    [[0, "at 0"], [1, "at 1"], [2, "at 2"]]
# Versions: gymnasium 1.4.0. 2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check gymnasium==1.4.0
cd "$work"
cat >see.py <<'EOF'
import json
import sys

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv


class Walk(gym.Env):
    def __init__(self) -> None:
        text = spaces.Text(8, min_length=0, charset="at 0123456789")
        self.observation_space = spaces.Dict({"x": spaces.Box(0, 100, (1,), np.int64), "text": text})
        self.action_space = spaces.Discrete(2)

    def seen(self) -> dict:
        return {"x": np.array([self.x]), "text": f"at {self.x}"}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = 0
        return self.seen(), {}

    def step(self, action):
        self.x += 1
        return self.seen(), 0.0, False, False, {}


def rollout(envs: VectorEnv) -> list[list]:
    observations = [envs.reset(seed=0)[0]]
    observations += [envs.step(np.zeros(1, int))[0] for _ in range(2)]
    envs.close()
    return [[int(o["x"][0, 0]), o["text"][0]] for o in observations]


if __name__ == "__main__":
    shared = rollout(AsyncVectorEnv([Walk]))
    unshared = rollout(AsyncVectorEnv([Walk], shared_memory=False))
    in_process = rollout(SyncVectorEnv([Walk]))
    print(json.dumps({"shared memory": shared, "no shared memory": unshared, "in one process": in_process}))
    right = [[0, "at 0"], [1, "at 1"], [2, "at 2"]]
    frozen = [x for x, _ in shared] == [0, 1, 2] and {text for _, text in shared} == {"aaaaaaaa"}
    if not frozen or unshared != right or in_process != right:
        sys.exit("changed: Gymnasium's shared memory no longer hides Text observations that change")
EOF
"$work/venv/bin/python" see.py
