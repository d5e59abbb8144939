"""The site of docs/: it builds without a warning, and its pages load nothing from another host."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("material") is None and not os.environ.get("CI"),
    reason="mkdocs-material is not installed (the extra docs); with CI set this fails instead",
)
FROM_ELSEWHERE = [
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc(?:set)?=\"?(?:https?:)?//[^\">]*",
    r"<link\b[^>]*\bhref=\"?(?:https?:)?//[^\">]*",
    r"@import[^;]*",
    r"url\([\"']?(?:https?:)?//[^)]*",
    r"class=\"?mermaid",  # mkdocs-material would fetch what draws it
]


def build(checkout: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", checkout / "mkdocs.yml", "-d", out],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = build(ROOT, out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def checkout(tmp_path) -> Path:
    """What a build reads, to be changed."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "tools").mkdir()
    for name in ("mkdocs.yml", "tools/site_hooks.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("bench", "idf", "launch", "recipes", "tests", "README.md", "findings"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_every_page_is_on_the_site(site):
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in site.glob("*.html")}


def test_nothing_is_loaded_from_another_host(site):
    files = [path for end in ("html", "css") for path in site.rglob(f"*.{end}")]
    assert len(files) > 30
    found = [(path.name, hit) for path in files for way in FROM_ELSEWHERE for hit in re.findall(way, path.read_text())]
    assert found == []


def test_a_link_out_of_docs_names_the_file(site):
    assert "(<code>tests/backends/test_registry.py</code>)" in (site / "backends.html").read_text()


def test_with_a_repository_a_link_out_of_docs_leads_there(checkout, tmp_path):
    settings = (checkout / "mkdocs.yml").read_text()
    (checkout / "mkdocs.yml").write_text(settings.replace("repository:", "repository: https://git.example/idf", 1))
    done = build(checkout, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site/backends.html").read_text()
    assert 'href="https://git.example/idf/blob/HEAD/tests/backends/test_registry.py"' in page


@pytest.mark.parametrize("link", ["nowhere.md", "compare.md#nowhere", "../bench/nowhere.py"])
def test_a_broken_link_stops_the_build(checkout, tmp_path, link):
    with (checkout / "docs/index.md").open("a") as page:
        page.write(f"\n[broken]({link})\n")
    done = build(checkout, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere" in done.stderr
