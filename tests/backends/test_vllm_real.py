"""A real vLLM beside transformers, on a CPU: offline, and served by `launch/serve.sh`. With `--all`, if its environment is there.

The model is tiny and trained a little, so that what it says depends on what it is asked. One of random weights would not do: it
says any bytes, and where an answer ends within a character, transformers shows one that stands for nonsense, and vLLM nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from idf.data import open_dataset
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from idf.training.tiny import make_tiny_model
from tests.backends.vllm_env import ROOT, Served, in_environment, need_environment, serving
from tests.backends.vllm_interface import FILE
from tests.cli.running import evaluate, run
from tests.training.hub_layout import hub_layout
from tests.training.running import COMMON
from tests.training.running import run as train

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1200)]

ASKED = ("--modes", "tqa,vqa,vtqa", "--prompts", "idf-short-1", "--max-pixels", 12544, "--max-new-tokens", 48)
"""With 20 items: 60 answers, 40 of them to pictures."""
SAMPLED = ("--modes", "vtqa", "--prompts", "idf-short-1", "--max-pixels", 12544, "--max-new-tokens", 12)
FILTERS = {"do_sample": True, "top_k": 1, "repetition_penalty": 1.5}
"""What a checkpoint's generation_config.json may say. With top_k 1, every draw is the likeliest token."""
NEUTRAL = {"top_p": 1, "top_k": -1, "repetition_penalty": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite, and a checkpoint that stage 2 has trained, in the form of the hub, with filters in its generation_config.json."""
    need_environment()
    root = tmp_path_factory.mktemp("vllm")
    easy = {"difficulties": {"easy": 1.0}, "max_pixels": 12544}
    build_traces(TracesRecipe(problems=80, **easy), root / "candidates")
    traces = open_dataset(root / "candidates", made_by="-")
    filter_traces(traces, root / "traces", FilterRecipe(keep=80))
    make_tiny_model([traces], root / "base")
    recipe = {"stage": "reasoning", "model": str(root / "base"), "data": str(root / "traces"), "run": "run"}
    recipe |= {"epochs": 6, "gpus": 1, "learning_rate": 3e-3, "save_steps": 1000}
    done = train("stage2.py", {**COMMON, **recipe}, root, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    model = hub_layout(root / "run" / "final", root / "model")
    path = model / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | FILTERS))
    assert run("suite", "--out", root / "suite", "--items", 4, "difficulties=[easy]", "max_pixels=12544") == 0
    return root


def answers(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What came back, and how much of it, to each question."""
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    kept = ("response", "prompt_tokens", "completion_tokens", "finish_reason")
    return {(row["id"], row["mode"]): {key: row[key] for key in kept} for row in rows}


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The answers of transformers."""
    assert evaluate(folder / "model", "--suite", folder / "suite", *ASKED, "--out", folder / "hf") == 0
    found = answers(folder / "hf")
    assert len(found) == 60
    assert len({row["response"] for row in found.values()}) > 20, "they depend on what is asked"
    return found


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    """A server, started as `launch/serve.sh` starts it by itself."""
    with serving(folder / "model", folder / "serve.log") as server:
        yield server
    assert server.process.returncode == 0, "told to end, it ends well"


@pytest.fixture(scope="module")
def filling(folder: Path) -> Iterator[Served]:
    """The same, but told to fill in what a request leaves out, as `vllm serve` does by itself."""
    with serving(folder / "model", folder / "filling.log", "--generation-config", "auto") as server:
        yield server


def by_endpoint(server: Served, suite: Path, out: Path, *more: object) -> dict[str, Any]:
    """What `results.json` says of a run against a server."""
    asked = ("--backend", "openai", "--base-url", server.url, "--suite", suite, "--out", out)
    assert evaluate(server.model, *asked, *more) == 0
    return dict(json.loads((out / "results.json").read_text())["run"])


def equal(found: dict[tuple[str, str], dict[str, Any]], expected: dict[tuple[str, str], dict[str, Any]]) -> None:
    """All 60 answers are equal: text, tokens of prompt and answer, and why it ended."""
    assert found.keys() == expected.keys()
    assert {key: found[key] for key in found if found[key] != expected[key]} == {}


def test_vllm_offline_gives_the_answers_of_transformers(folder, expected):
    as_here = ("--backend", "vllm", "--dtype", "float32", "--enforce-eager")
    asked = (*as_here, "--suite", folder / "suite", *ASKED, "--out", folder / "offline")
    in_environment("-m", "idf.cli.evaluate", folder / "model", *asked, folder=folder)
    equal(answers(folder / "offline"), expected)
    versions = json.loads((folder / "offline" / "results.json").read_text())["run"]["versions"]
    assert versions["vllm"].startswith("0.32.0")


def test_a_vllm_server_gives_the_answers_of_transformers(folder, expected, served):
    by_endpoint(served, folder / "suite", folder / "served", *ASKED)
    equal(answers(folder / "served"), expected)


def test_so_does_one_that_fills_in_filters_since_all_of_the_sampling_is_sent(folder, expected, filling):
    by_endpoint(filling, folder / "suite", folder / "filled", *ASKED)
    equal(answers(folder / "filled"), expected)


def raw(server: Served, **more: Any) -> list[str]:
    """Four samples of one prompt at temperature 2, as a client asks for them that names no filters."""
    body = {
        "model": server.model,
        "messages": [{"role": "user", "content": "Where does the box go?"}],
        "max_tokens": 12,
    }
    bodies = [{**body, "temperature": 2, "seed": seed, **more} for seed in range(4)]
    replies = [httpx.post(f"{server.url}/chat/completions", json=each, timeout=60).json() for each in bodies]
    return [reply["choices"][0]["message"]["content"] for reply in replies]


def test_a_server_that_fills_in_top_k_draws_nothing_unless_it_is_told_all_of_the_sampling(folder, filling, capsys):
    assert len(set(raw(filling))) == 1
    assert raw(filling, temperature=0)[0] != raw(filling, temperature=0, **NEUTRAL)[0]
    assert len(set(raw(filling, **NEUTRAL))) == 4
    by_endpoint(
        filling, folder / "suite", folder / "sampled", *SAMPLED, "--limit", 2, "--samples", 4, "--temperature", 2
    )
    assert "never differ" not in capsys.readouterr().out
    rows = [json.loads(line) for line in (folder / "sampled" / "samples.jsonl").read_text().splitlines()]
    texts: dict[str, set[str]] = {}
    for row in rows:
        texts.setdefault(row["id"], set()).add(row["response"])
    assert len(rows) == 40
    assert [len(mine) for mine in texts.values()] == [4] * 10


def test_what_serve_sh_starts_fills_in_nothing(served):
    assert len(set(raw(served))) == 4


def test_a_server_that_draws_nothing_in_spite_of_its_temperature_is_warned_about(folder, filling, capsys):
    # Here the user says it, in the place where idf would have said that it is not so.
    more = (*SAMPLED, "--limit", 2, "--samples", 4, "--temperature", 2, "--extra-body", "{top_k: 1}")
    by_endpoint(filling, folder / "suite", folder / "equal", *more)
    assert "samples never differ" in capsys.readouterr().out


def test_the_interface_that_fast_tests_are_held_to_is_that_of_this_vllm(tmp_path):
    need_environment()
    assert in_environment(ROOT / "tools" / "vllm_signatures.py", folder=tmp_path).strip() == FILE.read_text().strip()
