#!/usr/bin/env bash
# OpenEnv: POST /reset and POST /step do not share a world; only the WebSocket keeps one.
#
# One would guess: after /reset, each /step of the same server moves the same world on, as in any
#   environment over HTTP.
# What happens: each request makes a new environment and throws it away. /step answers 200 with the
#   first step of a world that was never reset, each time the same, and /state tells of yet another
#   new one. The same three steps over /ws count up.
# Seen, reset puts the walker at 10 and a step adds 1: {"http": [10, 1, 1, 1], "state after them": 0,
#   "worlds made for all this": 5, "websocket": [10, 11, 12, 13]}
# Versions: openenv 0.10.0 (fastapi 0.165.0, starlette 1.10.0), server and client in one process.
#   2026-11-28
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
    openenv==0.10.0 fastapi==0.165.0 starlette==1.10.0 httpx==0.28.1
cd "$work"
cat >see.py <<'EOF'
import json
import sys

from openenv.core.env_server.http_server import create_fastapi_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from starlette.testclient import TestClient


class Move(Action):
    direction: str = "right"


class Seen(Observation):
    x: int = 0


class Walk(Environment):
    made = 0

    def __init__(self) -> None:
        super().__init__()
        Walk.made += 1
        self.x = 0

    def reset(self, seed=None, episode_id=None, **rest) -> Seen:
        self.x = 10
        return Seen(x=self.x, done=False, reward=0.0)

    def step(self, action, timeout_s=None, **rest) -> Seen:
        self.x += 1
        return Seen(x=self.x, done=False, reward=0.0)

    @property
    def state(self) -> State:
        return State(step_count=self.x)


move = {"direction": "right"}
with TestClient(create_fastapi_app(Walk, Move, Seen)) as client:
    http = [client.post("/reset", json={}).json()["observation"]["x"]]
    http += [client.post("/step", json={"action": move}).json()["observation"]["x"] for _ in range(3)]
    state = client.get("/state").json()["step_count"]
    made = Walk.made
    websocket = []
    with client.websocket_connect("/ws") as socket:
        for message in [{"type": "reset", "data": {}}] + 3 * [{"type": "step", "data": move}]:
            socket.send_json(message)
            websocket.append(socket.receive_json()["data"]["observation"]["x"])
seen = {"http": http, "state after them": state, "worlds made for all this": made, "websocket": websocket}
print(json.dumps(seen))
if list(seen.values()) != [[10, 1, 1, 1], 0, 5, [10, 11, 12, 13]]:
    sys.exit("changed: OpenEnv's HTTP steps keep a world, or its WebSocket no longer does")
EOF
"$work/venv/bin/python" see.py
