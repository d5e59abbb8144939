"""The server of the page: three files and a few actions, for this machine and for whoever has the address alone.

It listens on 127.0.0.1. The address that is printed ends in a key, which is new in every run: without it nothing is told,
so no other user of a shared machine sees or answers anything. No other website can, either: the names `Host` and `Origin`
of a request must be this machine's, and the key has to stand in a header.
"""

from __future__ import annotations

import errno
import json
import secrets
import threading
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from idf.errors import UserError
from idf.files import package_text

HOST = "127.0.0.1"
PORT = 8036
SAY = partial(print, flush=True)  # the address has to be seen, even through a pipe
MOST_BYTES = 4 * 2**20  # of a request
NAMES = (HOST, "localhost")
OF_THIS_MACHINE = "this page is for this machine alone, by the address that idf play prints, and for no other website"
OLD_KEY = "the key is missing or old: open the address that idf play prints"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Action = Callable[[dict[str, Any]], dict[str, Any]]
"""From what the page asks to what it is told, both JSON objects; a UserError or ValueError is told as a sentence."""


class Asked(dict[str, Any]):
    """What the page asks, as it was sent; a key that is not there is the asker's mistake."""

    def __missing__(self, key: str) -> Any:
        raise UserError(f"the request lacks {key!r}")


class PlayServer(ThreadingHTTPServer):
    """The server of one page.

    Args:
        page: The page's file in idf/play, such as "scene.html".
        actions: What the page may ask for, by name; one at a time is at work.
        port: The port; 0 for any that is free.

    Raises:
        UserError: The port is in use, or not for this user.
    """

    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, page: str, actions: Mapping[str, Action], port: int) -> None:
        self.actions, self.key = actions, secrets.token_urlsafe(16)
        self.files = {"/": (page, "text/html")} | {
            f"/{name}": (name, kind) for name, kind in (("play.css", "text/css"), ("play.js", "text/javascript"))
        }
        self.working = threading.Lock()
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                why = "is in use"
            else:
                why = "cannot be used (" + (getattr(error, "strerror", None) or "it must be from 0 to 65535") + ")"
            raise UserError(f"port {port} {why}: name another with --port N, or --port 0 for any free one") from None

    def server_bind(self) -> None:
        """Bind, and ask no name server what this machine is called, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def address(self) -> str:
        """The address of the page, with its key."""
        return f"http://{HOST}:{self.server_port}/?key={self.key}"

    def answer(self, name: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do what the page asks for: the status, and what it is told."""
        try:
            with self.working:
                return 200, self.actions[name](asked)
        except (UserError, ValueError) as error:
            return 400, {"error": str(error)}


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: PlayServer
    timeout = 60  # seconds: a browser opens connections ahead that it never uses

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if not self._is_local():
            return self._refuse(403, OF_THIS_MACHINE)
        if url.path not in self.server.files:
            return self._refuse(404, "there is no such page")
        if url.path == "/" and not self._is_key(parse_qs(url.query).get("key", [""])[0]):
            return self._refuse(403, OLD_KEY)
        name, kind = self.server.files[url.path]
        self._send(200, kind, package_text(f"play/{name}"))

    def do_POST(self) -> None:
        if not self._is_local():
            return self._refuse(403, OF_THIS_MACHINE)
        if not self._is_key(self.headers.get("X-Key", "")):
            return self._refuse(403, OLD_KEY)
        name = urlsplit(self.path).path.removeprefix("/")
        if name not in self.server.actions:
            return self._refuse(404, "there is no such action")
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdigit() or int(size) > MOST_BYTES:
            return self._refuse(413, f"a request has at most {MOST_BYTES // 2**20} MiB, and says how many bytes it has")
        try:
            asked = json.loads(self.rfile.read(int(size)), object_hook=Asked)
            if not isinstance(asked, dict):
                raise ValueError("it must be an object")
        except (ValueError, RecursionError) as error:
            return self._refuse(400, f"the request is not JSON: {error}")
        status, told = self.server.answer(name, asked)
        self._send(status, "application/json", json.dumps(told))

    def _is_local(self) -> bool:
        """Whether the request names this machine, and comes from no page of another one."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].partition(":")[0] not in NAMES:
            return False
        return self.headers.get("Origin", f"http://{hosts[0]}") == f"http://{hosts[0]}"

    def _is_key(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.server.key.encode())

    def _refuse(self, status: int, why: str) -> None:
        self._send(status, "application/json", json.dumps({"error": why}))

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # whoever asked has closed the page

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the terminal is for the person."""


def serve(server: PlayServer, *, browse: bool, say: Callable[[str], None], done: threading.Event | None = None) -> None:
    """Serve the page until Ctrl-C, or until what it is for is done.

    Args:
        server: The server.
        browse: Whether to open the page in the browser.
        say: Says the address.
        done: Set by an action when nothing is left to ask.
    """
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        say(f"open {server.address} in a browser on this machine; Ctrl-C here ends it")
        if browse:
            threading.Thread(target=_open, args=(server.address,), daemon=True).start()
        (done or threading.Event()).wait()
    except KeyboardInterrupt:
        say("\nended")
    finally:
        server.shutdown()
        server.server_close()


def _open(address: str) -> None:
    """Open the browser, if there is one with windows: one in the terminal would take it away."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return  # there is none; the address is printed
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)
