"""The same recipe is the same bytes, whoever makes it, and in how many processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from idf.data import DatasetFolder, LocalEngine
from idf.data import _build as build_module
from idf.imagery import build_imagery
from idf.recipe import to_plain
from idf.traces import TeacherRecipe, TracesRecipe, build_traces
from tests.data.driving import ROOT, drive
from tests.data.samples import MIXED, PIXELS, ROLLS, different_files

ROWS = 10  # in a shard: six shards of MIXED
STYLES = {"optimal": 1.0, "search": 1.0}
TRACES = TracesRecipe(problems=30, seed=3, max_pixels=PIXELS, teacher=TeacherRecipe(styles=STYLES))
MANY = [f"{key}={json.dumps(value)}" for key, value in to_plain(MIXED).items()]
FEW = [f"{key}={json.dumps(value)}" for key, value in to_plain(TRACES).items()]


@pytest.fixture(autouse=True, scope="module")
def _small_shards() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_module, "ROWS_PER_SHARD", ROWS)
        yield


@pytest.fixture(scope="module")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    folder = build_imagery(MIXED, tmp_path_factory.mktemp("imagery") / "d")
    assert len(folder.shards) == 6
    return folder


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_traces(TRACES, tmp_path_factory.mktemp("traces") / "d")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hash_seed", "workers"), [("0", 1), ("1", 2), pytest.param("4242", 4, marks=pytest.mark.full)]
)
def test_any_number_of_workers_and_any_hash_seed_make_the_same_imagery(imagery, tmp_path, hash_seed, workers):
    process = drive(ROWS, "imagery", "--out", tmp_path / "d", "--workers", workers, *MANY, hash_seed=hash_seed)
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said[1]
    assert different_files(tmp_path / "d", imagery.path) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("hash_seed", "workers"), [("1", 1), ("0", 2)])
def test_any_number_of_workers_and_any_hash_seed_make_the_same_traces(traces, tmp_path, hash_seed, workers):
    process = drive(ROWS, "traces", "--out", tmp_path / "d", "--workers", workers, *FEW, hash_seed=hash_seed)
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said[1]
    assert different_files(tmp_path / "d", traces.path) == {}


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_make_the_same_bytes(imagery, traces, tmp_path):
    on_two = ["--engine", "ray", "--workers", "2"]
    commands = [
        ["imagery", "--out", str(tmp_path / "imagery"), *on_two, *MANY],
        ["traces", "--out", str(tmp_path / "traces"), *on_two, *FEW],
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.on_ray", str(ROWS), json.dumps(commands)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.count("status 0") == 2, done.stderr
    assert "refused DiskFull no room for 7\n" in done.stdout, "an error stays what it is"
    assert "still connected True" in done.stdout, "a cluster that somebody else has started is left running"
    assert different_files(tmp_path / "imagery", imagery.path) == {}
    assert different_files(tmp_path / "traces", traces.path) == {}


def test_another_process_pool_makes_what_this_process_makes_and_is_closed(imagery, tmp_path):
    with LocalEngine(2) as engine:
        folder = build_imagery(replace(MIXED, samples=8), tmp_path / "two", engine)
    assert different_files(folder.path, build_imagery(replace(MIXED, samples=8), tmp_path / "one").path) == {}


def test_another_seed_makes_other_samples(tmp_path):
    one, other = (build_imagery(replace(ROLLS, seed=seed), tmp_path / str(seed)) for seed in (3, 4))
    keys = [{sample.meta["key"] for sample in folder.samples()} for folder in (one, other)]
    assert not keys[0] & keys[1]


def test_the_manifest_is_enough_to_make_the_data_again(imagery, tmp_path):
    manifest = json.loads(Path(imagery.path, "dataset.json").read_text())
    again = build_imagery(type(MIXED)(**manifest["recipe"]), tmp_path / "d")
    assert different_files(again.path, imagery.path) == {}
