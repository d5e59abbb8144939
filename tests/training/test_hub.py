"""Fetching a hub model, without a hub: a local server that has what the hub's own client asks for, and one that has nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from idf.training.hub import fetch_model
from tests.sentences import says

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "qwen2_5_vl"}',
    "model.safetensors": b"w" * 1000,
    "pytorch_model.bin": b"p" * 1000,
}


class Hub(BaseHTTPRequestHandler):
    """One model, `some/model`, in the forms that huggingface_hub asks for."""

    asked: list[str] = []
    files: dict[str, bytes] = FILES

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        name = path.rpartition("/")[2]
        if path.startswith("/api/models/some/model"):
            import json

            found = {"id": "some/model", "sha": COMMIT, "siblings": [{"rfilename": file} for file in self.files]}
            tree = [{"type": "file", "path": file, "size": len(data), "oid": file} for file, data in self.files.items()]
            self.answer(200, json.dumps(tree if "/tree/" in path else found).encode())
        elif path.startswith("/some/model/resolve/") and name in self.files:
            self.answer(200, self.files[name])
        else:
            self.answer(404, b"{}")

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{self.path.rpartition("/")[2]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hub.asked.clear()
    Hub.files = FILES
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


PROGRAM = """
import sys
from idf.errors import UserError
from idf.training.hub import fetch_model
from idf.training.load import check_model
try:
    fetch_model(sys.argv[1])
    if sys.argv[2:] == ["check"]:
        check_model(sys.argv[1], fetched=True)
except UserError as error:
    sys.exit(f"error: {error}")
"""


def fetch(name: str, home: Path, endpoint: str, *then: str, **more: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since huggingface_hub reads its environment once."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "0",
    }
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, name, *then], env=environment | more, capture_output=True, text=True
    )


def test_weights_config_and_no_pickles_are_fetched_once(hub, tmp_path):
    done = fetch("some/model", tmp_path, hub)
    assert done.returncode == 0, done.stderr
    snapshot = tmp_path / f"hub/models--some--model/snapshots/{COMMIT}"
    assert {path.name: path.read_bytes() for path in snapshot.iterdir()} == {
        name: data for name, data in FILES.items() if not name.endswith(".bin")
    }
    again = fetch("some/model", tmp_path, hub, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files, None),
        (
            lambda files: {name: data for name, data in files.items() if "00002-of" not in name},
            ("lacks", "model-00002-of-00002.safetensors"),
        ),
        (
            lambda files: (
                {name: data for name, data in files.items() if "safetensors" not in name} | {"pytorch_model.bin": b"p"}
            ),
            ("no weights", "safetensors"),
        ),
        (
            lambda files: files | {"config.json": files["config.json"].replace(b'"vocab_size": ', b'"vocab_size": 1')},
            ("not fit", "model.language_model.embed_tokens.weight"),
        ),
    ],
    ids=["whole", "a shard is missing", "only .bin", "other shapes"],
)
def test_what_was_fetched_is_looked_at_before_anything_is_encoded(hub, tiny, tmp_path, change, said):
    Hub.files = change({path.name: path.read_bytes() for path in tiny.model.iterdir()})
    done = fetch("some/model", tmp_path, hub, "check")
    if said is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1
        says(done.stderr.splitlines()[-1], "error", "some/model", *said)


def test_a_name_that_the_hub_does_not_know_is_one_sentence(hub, tmp_path):
    done = fetch("some/other", tmp_path, hub)
    assert done.returncode == 1
    says(done.stderr.splitlines()[-1], "error", "some/other", "hf download some/other", "model=FOLDER")


def test_no_network_is_one_sentence(tmp_path):
    done = fetch("some/model", tmp_path, "http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    says(done.stderr.splitlines()[-1], "error", "some/model", "hf download some/model", "model=FOLDER")


def test_a_cache_that_cannot_be_written_is_one_sentence(hub, tmp_path):
    (tmp_path / "file").touch()
    done = fetch("some/model", tmp_path / "file", hub)
    assert done.returncode == 1
    says(done.stderr.splitlines()[-1], "error", tmp_path / "file/hub", "HF_HOME")
    assert not Hub.asked


@pytest.mark.parametrize("name", ["checkpoints/stage1/final", "./some/model", "/some/model", "model"])
def test_what_looks_like_a_folder_is_not_asked_for(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    fetch_model(name)
