"""A browser for the pages of `idf play`, and the pages served in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from idf.play import ask_person
from idf.play._scene import actions_of
from idf.play._server import PlayServer
from tests.cli.running import run
from tests.evaluation.conftest import chromium  # noqa: F401 (a fixture)


@contextmanager
def served(server: PlayServer) -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    thread = threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True)
    thread.start()
    yield server.address
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(scope="module")
def scene_server() -> Iterator[PlayServer]:
    """The page on which worlds are tried."""
    server = PlayServer(
        "scene.html", actions_of({"world": "moving_box", "difficulty": "easy", "seed": 0, "index": 0}), 0
    )
    with served(server):
        yield server


@contextmanager
def asking(suite: Path, out: Path, **more: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """`idf play --suite` in a thread: the address, and what waits for its end and gives the results."""
    said: list[str] = []
    told, kept = threading.Event(), {}

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("open http"):
            told.set()

    def work() -> None:
        kept["results"] = ask_person(str(suite), out, port=0, browse=False, say=say, **more)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while not told.wait(0.2):
        assert thread.is_alive(), said

    def end() -> Any:
        thread.join(300)
        return kept["results"]

    yield next(text for text in said if text.startswith("open http")).split()[1], end


@pytest.fixture(params=[390, 1280])
def screen(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:  # noqa: F811
    """A page of a small phone and of a desk, that complains of errors and of anything fetched from elsewhere."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    amiss: list[str] = []
    page.on("console", lambda said: amiss.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: amiss.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith(("http://127.0.0.1:", "data:")) else amiss.append(sent.url)
    )
    page.width = request.param
    yield page
    assert [said for said in amiss if "status of 400" not in said] == [], "a refused request is told on the page"
    context.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One easy item of each world."""
    out = tmp_path_factory.mktemp("play") / "suite"
    assert run("suite", "--out", out, "--items", 1, "difficulties=[easy]", "max_pixels=12544") == 0
    return out
