"""A wheel alone, in a clean environment, from a folder of its own: data and scores, and a sentence for what needs an extra."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from urllib.request import urlopen

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings it there
    import tomli as tomllib

import pytest

import idf
from idf.extras import EXTRAS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `bin` of an environment that holds the wheel and what pip installs with it."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, since a build leaves its own folders in the tree, and what an earlier one left there would get into the wheel.
    source = folder / "source"
    for name in ("idf", "recipes", "launch"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def pip(python: Path | str, *words: Path | str) -> None:
        subprocess.run([python, "-m", "pip", *words], check=True, env=clean, capture_output=True, text=True)

    pip(sys.executable, "wheel", "--no-deps", "-w", folder, source)
    shutil.rmtree(source)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, env=clean)
    pip(folder / "venv/bin/python", "install", next(folder.glob("idf-*.whl")))
    yield folder / "venv/bin"
    shutil.rmtree(folder)


def run(bare: Path, cwd: Path, *words: object, status: int = 0) -> str:
    """What a command prints; its errors if it fails as it should."""
    program, *arguments = map(str, words)
    environment = {"PATH": f"{bare}:/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run([bare / program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


@pytest.mark.slow
def test_the_wheel_alone_makes_data_and_scores(bare: Path, tmp_path: Path) -> None:
    for module in sorted({module for modules in EXTRAS.values() for module in modules}):
        run(bare, tmp_path, "python", "-c", f"import {module}", status=1)
    run(
        bare, tmp_path, "idf", "imagery", "--recipe", "idf:quickstart/imagery.yaml", "--samples", 12, "--out", "imagery"
    )
    run(bare, tmp_path, "idf", "traces", "--recipe", "idf:traces.yaml", "--problems", 30, "--out", "candidates")
    run(bare, tmp_path, "idf", "filter", "candidates", "--keep", 10, "--out", "traces")
    run(bare, tmp_path, "idf", "suite", "--recipe", "idf:quickstart/suite.yaml", "--items", 2, "--out", "suite")
    run(bare, tmp_path, "idf", "stats", "imagery", "--out", "stats")
    ids = [json.loads(line)["id"] for line in (tmp_path / "suite/items.jsonl").read_text().splitlines()]
    scored = ("idf-eval", "--suite", "suite", "--modes", "tqa")
    run(bare, tmp_path, *scored, "--baseline", "oracle", "--out", "oracle")
    with (tmp_path / "responses.jsonl").open("w") as file:
        for row in map(json.loads, (tmp_path / "oracle/samples.jsonl").read_text().splitlines()):
            assert row["correct"]
            assert row["id"] in ids
            file.write(json.dumps({key: row[key] for key in ("id", "mode", "response")}) + "\n")
    run(bare, tmp_path, *scored, "--responses", "responses.jsonl", "--out", "stored")
    results = json.loads((tmp_path / "stored/results.json").read_text())
    assert results["worlds"]["cube_rolling"]["tqa"]["all"]["accuracy"] == 1.0
    assert (tmp_path / "stored/report.html").stat().st_size > 10_000
    recipes = Path(run(bare, tmp_path, "idf", "paths", "recipes").strip())
    assert recipes.is_relative_to(bare.parent)
    shipped, here = ({p.relative_to(top) for p in top.rglob("*.yaml")} for top in (recipes, ROOT / "recipes"))
    assert shipped == here
    script = run(
        bare, tmp_path, "python", "-c", "from idf.loop._train import find_script; print(find_script('stage2'))"
    )
    assert Path(script.strip()).is_relative_to(bare.parent)


@pytest.mark.slow
def test_the_wheel_alone_serves_the_page_of_play(bare: Path, tmp_path: Path) -> None:
    words = [bare / "idf", "play", "--port", "0", "--no-browser"]
    environment = {"PATH": f"{bare}:/usr/bin:/bin", "HOME": str(tmp_path)}
    process = subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    page = process.stdout.readline().split()[1]
    for address in (page, *(page.partition("?")[0] + name for name in ("play.css", "play.js"))):
        here = ROOT / "idf/play" / (address.rpartition("/")[2] if address != page else "scene.html")
        assert urlopen(address, timeout=60).read() == here.read_bytes()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@pytest.mark.slow
def test_a_command_whose_extra_is_missing_says_which_one(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "run").mkdir()
    run(bare, tmp_path, "idf", "imagery", "--samples", 5, "--out", "imagery")
    missing = {
        ("idf", "plan", "--recipe", "idf:stage1.yaml"): "hf",
        ("idf", "tiny", "imagery", "--out", "tiny"): "hf",
        ("idf", "merge", "model", "--out", "merged"): "hf",
        ("idf", "stats", "imagery", "--model", "model"): "hf",
        ("idf", "traces", "--teacher", "hf", "--model", "model", "--problems", 2, "--out", "candidates"): "hf",
        ("idf", "traces", "--teacher", "vllm", "--model", "model", "--problems", 2, "--out", "candidates"): "vllm",
        ("idf", "imagery", "--engine", "ray", "--samples", 5, "--out", "again"): "ray",
        ("idf-eval", "model"): "hf",
        ("idf-eval", "model", "--workers", 2): "hf",
        ("idf-eval", "model", "--backend", "vllm"): "vllm",
        ("idf-eval", "--watch", "run"): "hf",
        ("python", ROOT / "launch/stage1.py", "--recipe", "idf:stage1.yaml"): "train",
        ("python", ROOT / "launch/stage2.py", "--recipe", "idf:stage2.yaml", "--dry-run"): "train",
    }
    for words, extra in missing.items():
        said = run(bare, tmp_path, *words, status=1)
        assert "Traceback" not in said, words
        assert f"pip install 'idf[{extra}]'" in said.splitlines()[-1], (words, said)


def test_the_extras_are_those_of_the_metadata() -> None:
    """What `idf.extras` promises is what pip installs, and torch stands behind an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core, extras = (project[key] for key in ("dependencies", "optional-dependencies"))
    assert not {"torch", "transformers"} & set(map(_name, core))
    for extra, modules in EXTRAS.items():
        named = _closure(extra, extras)
        assert set(modules) <= {name.replace("-", "_") for name in named}, extra
    mission = {"torch", "transformers", "accelerate", "peft", "deepspeed", "datasets", "qwen-vl-utils", "wandb"}
    assert mission <= _closure("train", extras) <= _closure("all", extras)
    installed = {_name(line) for line in requires("idf") or () if "extra ==" not in line}
    assert installed == set(map(_name, core)), "the environment is older than pyproject.toml: install again"
    assert idf.__version__


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0].lower()


def _closure(extra: str, extras: dict[str, list[str]]) -> set[str]:
    """The distributions of an extra, with those of the extras that it names."""
    found: set[str] = set()
    for requirement in extras[extra]:
        inner = re.match(r"idf\[([\w,]+)\]", requirement)
        found |= (
            {_name(requirement)} if inner is None else set().union(*(_closure(e, extras) for e in inner[1].split(",")))
        )
    return found
