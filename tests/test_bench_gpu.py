"""bench/gpu: the budget, what is written of a measurement that fails, going on, and the size of the bundle."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
GPU = ROOT / "bench/gpu"
sys.path.insert(0, str(GPU))

from runner import MARGIN, Measurement, Results, run_all  # noqa: E402
from settings import measurements  # noqa: E402

WRITES = "import json, pathlib, sys; path = pathlib.Path(sys.argv[1]); "
GOOD = WRITES + "path.write_text(json.dumps({'machine': {'cores': 2}, 'speed': 3}))"
BAD = WRITES + "path.write_text(json.dumps({'speed': 1, 'error': 'OutOfMemoryError: 3 GiB'})); sys.exit(1)"
SILENT = "raise SystemExit(3)"
SLOW = WRITES + "import time; path.write_text(json.dumps({'speed': 2})); time.sleep(60)"
FACTS = {"label": "test"}


def fake(name: str, code: str = GOOD, **more: Any) -> Measurement:
    return Measurement(name, [sys.executable, "-c", code], **{"needs": 0, "limit": 30} | more)


def run(folder: Path, *fakes: Measurement, seconds: float = 60, results: Results | None = None) -> dict[str, Any]:
    results = results or Results(folder / "out", FACTS)
    run_all(fakes, results, time.monotonic() + MARGIN + seconds, folder, open_log(folder), "run.py --only")
    measured: dict[str, Any] = json.loads(results.path.read_text())["measurements"]
    return measured


def open_log(folder: Path) -> io.TextIOWrapper:
    return (folder / "log.txt").open("a")


def test_a_measurement_is_written_with_figures_machine_command_and_seconds(tmp_path: Path) -> None:
    one = run(tmp_path, fake("good"))["good"]
    assert one["status"] == "done"
    assert one["figures"] == {"speed": 3}
    assert one["machine"] == {"cores": 2}
    assert one["command"] == "run.py --only good"
    assert one["seconds"] >= 0


def test_one_that_fails_is_written_with_its_reason_and_the_rest_runs(tmp_path: Path) -> None:
    found = run(tmp_path, fake("bad", BAD), fake("silent", SILENT), fake("good"))
    assert found["bad"]["status"] == "failed"
    assert found["bad"]["reason"] == "OutOfMemoryError: 3 GiB"
    assert found["bad"]["figures"] == {"speed": 1}
    assert found["silent"]["reason"] == "exit status 3: see log.txt"
    assert found["good"]["status"] == "done"


def test_one_that_does_not_fit_in_the_time_left_is_written_as_such(tmp_path: Path) -> None:
    found = run(tmp_path, fake("long", needs=300), fake("short", needs=1))
    assert found["long"]["status"] == "no time left"
    assert "needs 300 s" in found["long"]["reason"]
    assert found["short"]["status"] == "done"


def test_one_that_outlasts_its_limit_is_ended_and_keeps_what_it_had(tmp_path: Path) -> None:
    begun = time.monotonic()
    found = run(tmp_path, fake("slow", SLOW, limit=1), fake("good"))
    assert time.monotonic() - begun < 20
    assert found["slow"]["status"] == "timed out"
    assert found["slow"]["figures"] == {"speed": 2}
    assert found["good"]["status"] == "done"


def test_the_budget_ends_what_its_own_limit_would_not(tmp_path: Path) -> None:
    assert run(tmp_path, fake("slow", SLOW, limit=60), seconds=1)["slow"]["status"] == "timed out"


def test_what_cannot_run_on_a_machine_is_written_with_the_reason(tmp_path: Path) -> None:
    one = run(tmp_path, fake("large", unfit="it takes 125 GiB"))["large"]
    assert one == {"status": "left out", "reason": "it takes 125 GiB"}


def test_a_second_call_runs_what_is_not_done_and_prepares_the_machine_again(tmp_path: Path) -> None:
    run(tmp_path, fake("good"), fake("bad", BAD), fake("machine"))
    found = run(tmp_path, fake("good", BAD), fake("bad", GOOD), fake("machine", SILENT, always=True))
    assert found["good"]["status"] == "done"
    assert found["bad"]["status"] == "done"
    assert found["machine"]["status"] == "failed"


def test_figures_of_an_earlier_call_stay_where_a_later_one_had_no_time(tmp_path: Path) -> None:
    run(tmp_path, fake("slow", SLOW, limit=1))
    assert run(tmp_path, fake("slow", needs=300))["slow"]["figures"] == {"speed": 2}


def test_a_call_on_another_machine_goes_on_from_a_file(tmp_path: Path) -> None:
    run(tmp_path, fake("good"))
    there = Results(tmp_path / "there", FACTS, earlier=tmp_path / "out/results.json")
    assert run(tmp_path, fake("good", BAD), fake("next"), results=there)["good"]["status"] == "done"


def test_a_rehearsal_does_not_go_on_from_real_figures(tmp_path: Path) -> None:
    run(tmp_path, fake("good"))
    with pytest.raises(SystemExit, match="name another --out"):
        Results(tmp_path / "out", {"label": "rehearsal"})


def names(gpu_gib: float, attentions: tuple[str, ...] = ("sdpa", "eager")) -> dict[str, str | None]:
    plans = {"7b-full": {"8192": 125.0}, "7b-lora": {"8192": 23.5}, "3b-full": {"8192": 64.5}}
    machine = {"gpu_gib": gpu_gib, "attentions": dict.fromkeys(attentions), "plans": plans}
    return {m.name: m.unfit for m in measurements(machine, Path("data"), Path("scratch"), cpu=False)}


def test_80_gb_train_adapters_and_the_3b_and_say_why_not_the_7b() -> None:
    found = names(79.1)
    assert list(found)[:3] == ["packing", "step-7b-lora-sdpa", "step-3b-full-sdpa"]
    assert found["speed-7b-full-sdpa"] == "by idf plan it takes 125.0 GiB, and the GPU has 79.1"
    assert found["speed-3b-full-sdpa"] is None


def test_141_gb_train_all_of_the_7b_first() -> None:
    found = names(139.8)
    assert list(found)[:3] == ["packing", "step-7b-full-sdpa", "speed-7b-full-sdpa"]
    assert not any(found.values())


def test_an_attention_that_recipes_learn_is_measured_and_eager_only_where_rows_are_short() -> None:
    found = names(139.8, ("sdpa", "eager", "packed"))
    assert "speed-7b-full-packed" in found
    assert not any("eager" in name for name in found)


@pytest.fixture
def without_registry(tmp_path: Path) -> dict[str, str]:
    """An environment whose `python` makes wheels and data out of nothing: 2 MiB of them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        'for last; do [ "$last" = --tiny ] || target="$last"; done\n'
        'case "$*" in *make_data.py*) mkdir -p "$target"; head -c 1048576 /dev/zero >"$target/data";; esac\n'
    )
    python.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


def pack(out: Path, environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    call = ["bash", str(GPU / "pack.sh"), str(out)]
    return subprocess.run(call, capture_output=True, text=True, env=environment | more)


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="pack.sh asks git for the files"
)
def test_a_bundle_that_weighs_too_much_is_refused_in_one_sentence(
    tmp_path: Path, without_registry: dict[str, str]
) -> None:
    out = tmp_path / "bundle"
    done = pack(out, without_registry, MAX_MIB="2")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "and 2 are allowed: carry less" in done.stderr
    assert not out.exists()
    assert pack(out, without_registry).returncode == 0
    assert (out / "bench/gpu/run.py").exists()
    assert json.loads((out / "bundle.json").read_text())["mib"] < 64


def test_a_folder_that_is_no_bundle_is_not_overwritten(tmp_path: Path, without_registry: dict[str, str]) -> None:
    done = pack(tmp_path, without_registry)
    assert done.returncode == 1
    assert "is there and is no bundle" in done.stderr


@pytest.mark.slow
def test_steps_are_measured_at_tiny_shapes(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}"}
    data = subprocess.run(
        [sys.executable, str(GPU / "make_data.py"), str(tmp_path / "data"), "--tiny"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert data.returncode == 0, data.stderr[-2000:]
    name = "step-7b-full-sdpa"
    call = [sys.executable, str(GPU / "run.py"), "--cpu", "--minutes", "8", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*call, "--data", str(tmp_path / "data"), "--only", name], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + (tmp_path / "out/log.txt").read_text()[-3000:]
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results["label"].startswith("REHEARSAL")
    one = results["measurements"][name]
    (figures,) = one["figures"]["tokens_per_row"].values()
    assert figures["tokens_per_second"] > 0
    # Random weights at the usual scale know nothing: the loss is that of a guess among 1,024 tokens.
    assert figures["losses"][0] == pytest.approx(6.93, abs=0.1)
    assert figures["planned_gib"] > 0
    assert one["machine"]["versions"]["torch"]


@pytest.mark.full
@pytest.mark.timeout(5400)
def test_the_whole_runs_with_that_machines_versions(tmp_path: Path) -> None:
    """The rehearsal: Python 3.12, torch 2.11 and transformers 5.17, and the bundle's wheels for what is missing there."""
    done = subprocess.run(
        ["bash", str(GPU / "rehearse.sh"), str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    results = json.loads((tmp_path / "out/results.json").read_text())
    machine = results["measurements"]["machine"]["machine"]
    assert machine["python"].startswith("3.12")
    assert machine["versions"]["torch"].startswith("2.11.0")
    assert machine["versions"]["transformers"] == "5.17.0"
    assert {one["status"] for one in results["measurements"].values()} <= {"done", "left out"}
