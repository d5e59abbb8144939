"""The server answers this machine and whoever has the key; a port in use and Ctrl-C are ends in one sentence."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from http.client import HTTPConnection
from typing import Any

import pytest

from idf.play._server import MOST_BYTES, PlayServer
from tests.cli.running import one_sentence, run
from tests.sentences import says


def sent(
    server: PlayServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a reply; headers with _ for -."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    found = reply.status, reply.read().decode(), dict(reply.getheaders())
    connection.close()
    return found


def test_the_page_and_its_files_are_served_with_a_policy_that_lets_nothing_else_in(scene_server):
    for path, kind in (
        (f"/?key={scene_server.key}", "text/html"),
        ("/play.css", "text/css"),
        ("/play.js", "text/javascript"),
    ):
        status, text, headers = sent(scene_server, "GET", path)
        assert status == 200
        assert headers["Content-Type"].startswith(kind)
        says(headers["Content-Security-Policy"], "default-src 'none'", "frame-ancestors 'none'")
        assert "http://" not in text
        assert "https://" not in text


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/idf.json", "/scene.html", "//etc/passwd", "/play.js/", "/show"]
)
def test_nothing_but_the_files_of_the_page_is_served(scene_server, path):
    assert sent(scene_server, "GET", path)[0] == 404


def test_without_the_key_nothing_is_told(scene_server):
    for path in ("/", "/?key=", "/?key=guess"):
        assert sent(scene_server, "GET", path)[0] == 403
    for headers in ({}, {"X_Key": "guess"}, {"X_Key": ""}):
        status, text, _ = sent(scene_server, "POST", "/about", {}, **headers)
        assert status == 403
        says(json.loads(text)["error"], "key")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8036", "127.0.0.1.evil.example:1", "", "[::1]:8036"])
def test_another_name_for_this_machine_is_refused(scene_server, host):
    """A website that makes its own name mean 127.0.0.1 sends that name."""
    assert sent(scene_server, "GET", f"/?key={scene_server.key}", Host=host)[0] == 403
    status, text, _ = sent(scene_server, "POST", "/about", {}, Host=host, X_Key=scene_server.key)
    assert status == 403
    says(json.loads(text)["error"], "this machine alone", "address")


def test_a_page_of_another_origin_is_refused(scene_server):
    port = scene_server.server_port
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1"):
        status, text, _ = sent(scene_server, "POST", "/about", {}, Origin=origin, X_Key=scene_server.key)
        assert status == 403
        says(json.loads(text)["error"], "no other website")
    assert sent(scene_server, "POST", "/about", {}, Origin=f"http://127.0.0.1:{port}", X_Key=scene_server.key)[0] == 200


def test_a_broken_request_is_told_so(scene_server):
    key = scene_server.key
    for body in ("{", "[]", "[" * 100_000, "\ud83d"[:0] + "nonsense"):
        status, text, _ = sent(scene_server, "POST", "/show", body, X_Key=key)
        assert status == 400
        says(json.loads(text)["error"], "JSON")
    status, text, _ = sent(scene_server, "POST", "/show", {"scene": {"world": "moving_box"}, "moves": []}, X_Key=key)
    assert status == 400
    says(json.loads(text)["error"], "lacks", "difficulty")
    assert sent(scene_server, "POST", "/shutdown", {}, X_Key=key)[0] == 404
    for length in (str(MOST_BYTES + 1), "-1", "many"):
        assert sent(scene_server, "POST", "/show", None, X_Key=key, Content_Length=length)[0] == 413


def test_it_listens_on_this_machine_alone(scene_server):
    assert scene_server.server_address[0] == "127.0.0.1"


def test_a_port_in_use_is_refused_in_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run("play", "--port", port, "--no-browser") == 1
        says(one_sentence(capsys, "idf"), f"port {port}", "in use", "--port")
    assert run("play", "--port", 70_000, "--no-browser") == 1
    says(one_sentence(capsys, "idf"), "port 70000", "--port")


def test_options_of_the_other_page_are_refused(capsys, tmp_path):
    for words, named in (
        (["--suite", "s"], "--out"),
        (["--out", tmp_path / "r"], "--suite"),
        (["--mode", "vqa"], "--mode"),
        (["moving_box", "--suite", "s", "--out", tmp_path / "r"], "WORLD"),
        (["chess", "--no-browser"], "chess"),
        (["--suite", tmp_path / "none", "--out", tmp_path / "r", "--no-browser"], "none"),
    ):
        assert run("play", *words) == 1
        says(one_sentence(capsys, "idf"), named)


def begun(*arguments: object) -> subprocess.Popen[str]:
    """`idf play` as a process."""
    words = [sys.executable, "-m", "idf.cli.main", "play", *map(str, arguments), "--port", "0", "--no-browser"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if "open http" in line).split("open ")[1].split()[0]


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says after Ctrl-C; it must end with status 0."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == ""
    return out, err


def test_ctrl_c_ends_it_cleanly():
    process = begun("moving_box")
    assert address_of(process).startswith("http://127.0.0.1:")
    says(interrupted(process)[0], "ended")


def test_whoever_closes_the_page_before_the_reply_is_no_traceback(scene_server, capfd):
    body = json.dumps({"scene": {"world": "rubiks_cube", "difficulty": "easy", "seed": 0, "index": 0}, "moves": []})
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", scene_server.server_port)) as connection:
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )  # closed at once, by a reset
            head = f"POST /show HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: {scene_server.key}\r\nContent-Length: {len(body)}"
            connection.sendall(f"{head}\r\n\r\n{body}".encode())
    assert sent(scene_server, "POST", "/about", {}, X_Key=scene_server.key)[0] == 200
    assert "Traceback" not in capfd.readouterr().err
