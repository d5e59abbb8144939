"""What several files of tests share: a real browser for the pages, and a small suite."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import run


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        why = "the report is looked at in Chromium, driven by playwright (the extra `test`): one of the two is missing"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*quiet.split(), "--disable-component-update", "--disable-sync"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page that complains of any error, and of anything fetched but the file itself and what it makes."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    amiss: list[str] = []
    page.on("console", lambda message: amiss.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: amiss.append(str(error)))
    page.on("request", lambda request: amiss.append(request.url) if not _local(request.url) else None)
    yield page
    assert amiss == []
    context.close()


def _local(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))


@pytest.fixture(scope="module")
def small_suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four easy items of each world."""
    out = tmp_path_factory.mktemp("audit") / "s"
    assert run("suite", "--out", out, "--items", 4, "difficulties=[easy]", "max_pixels=3136") == 0
    return out
