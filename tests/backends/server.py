"""A local server that speaks /v1/chat/completions, and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from idf.backends import Request, Response


@dataclass
class Reply:
    """What the server does with a request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None  # Content-Length, if it is not the truth
    delay_s: float = 0.0


@dataclass
class Call:
    """A request as the server saw it."""

    prompt: str
    body: dict[str, Any]
    headers: dict[str, str]


def completion(text: str, prompt_tokens: int = 10, completion_tokens: int = 5, **choice: Any) -> Reply:
    data = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens},
    }
    return Reply(body=json.dumps(data).encode())


def failing(status: int, message: str = "no", **headers: str) -> Reply:
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), dict(headers))


class Server:
    """Runs until the end of `serving`.

    Args:
        answer: Call and how often its prompt was asked before -> reply. Called in many threads at once.
    """

    def __init__(self, answer: Callable[[Call, int], Reply]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.most_at_once = 0
        self.model: dict[str, str] = {}  # what the list of models says of the only one
        self.models: Reply | None = None  # what it answers instead of that list
        self.now = 0
        self._lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    @property
    def prompts(self) -> list[str]:
        return [call.prompt for call in self.calls]

    def respond(self, path: str, headers: dict[str, str], raw: bytes) -> Reply:
        body = json.loads(raw)
        assert path == "/v1/chat/completions"
        prompt = "".join(part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text")
        call = Call(prompt, body, headers)
        with self._lock:
            before = self.prompts.count(prompt)
            self.calls.append(call)
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
        try:
            reply = self.answer(call, before)
            time.sleep(reply.delay_s)
        finally:
            with self._lock:
                self.now -= 1
        return reply

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                raw = json.dumps({"object": "list", "data": [{"id": "m"} | server.model]}).encode()
                reply = server.models or Reply(body=raw)
                time.sleep(reply.delay_s)
                try:
                    self.send_response(reply.status)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client gave up

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                reply = server.respond(self.path, dict(self.headers), raw)
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name.replace("_", "-"), value)
                    self.send_header(
                        "Content-Length", str(len(reply.body) if reply.promised is None else reply.promised)
                    )
                    self.end_headers()
                    self.wfile.write(reply.body)
                    self.close_connection = reply.promised is not None
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client was killed, or gave up

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@contextmanager
def serving(answer: Callable[[Call, int], Reply], **model: str) -> Iterator[Server]:
    server = Server(answer)
    server.model = model
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def echo(call: Call, before: int) -> Reply:
    return completion(f"re: {call.prompt}")


def request(text: str, picture: Any = None, sample: int = 0) -> Request:
    content = [{"type": "image"}] if picture is not None else []
    return Request([{"role": "user", "content": [*content, {"type": "text", "text": text}]}], picture, sample)


def collect(replies: Iterable[tuple[int, Response]], into: list[tuple[int, Response]]) -> None:
    """Take replies one by one, so that those before an error are known."""
    for reply in replies:
        into.append(reply)
