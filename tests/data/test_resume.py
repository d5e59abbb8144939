"""Runs that are killed, or stopped by a full disk, go on and end with the same bytes."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idf.data import DatasetFolder
from idf.data import _build as build_module
from idf.imagery import ImageryRecipe, build_imagery
from tests.data.driving import drive, finished, kill, running, wait_for_shards, workers_of
from tests.data.samples import different_files, files_of
from tests.sentences import says

ROWS = 4
RECIPE = ImageryRecipe(samples=120, seed=5, max_pixels=200_704)
SAMPLES = ("--samples", RECIPE.samples, "--seed", RECIPE.seed, f"max_pixels={RECIPE.max_pixels}")


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_module, "ROWS_PER_SHARD", ROWS)
        return build_imagery(RECIPE, tmp_path_factory.mktemp("at once") / "d")


def go_on(out: Path, at_once: DatasetFolder, *arguments: object) -> None:
    """Repeat the command; it must leave finished shards alone and end with the bytes of a run in one go."""
    before = {shard.name: shard.stat() for shard in finished(out.with_name("d.part"))}
    assert 0 < len(before) < len(at_once.shards)
    process = drive(ROWS, "imagery", "--out", out, *SAMPLES, *arguments)
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said[1]
    assert different_files(out, at_once.path) == {}
    for name, stat in before.items():
        after = (out / name).stat()
        assert (after.st_mtime_ns, after.st_ino) == (stat.st_mtime_ns, stat.st_ino), f"{name} was written again"
    assert not out.with_name("d.part").exists()


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(at_once, tmp_path):
    process = drive(ROWS, "imagery", "--out", tmp_path / "d", *SAMPLES)
    wait_for_shards(process, tmp_path / "d.part", 3)
    kill(process.pid)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    go_on(tmp_path / "d", at_once)


@pytest.mark.slow
def test_the_workers_of_a_killed_run_end_with_it_and_two_others_go_on(at_once, tmp_path):
    process = drive(ROWS, "imagery", "--out", tmp_path / "d", *SAMPLES, "--workers", 2)
    wait_for_shards(process, tmp_path / "d.part", 3)
    workers = workers_of(process)
    assert len(workers) == 2
    kill(process.pid)
    process.communicate()
    patience = time.monotonic() + 60
    while any(map(running, workers)):
        assert time.monotonic() < patience, "orphans write beside the next run"
        time.sleep(0.02)
    go_on(tmp_path / "d", at_once, "--workers", 2)


@pytest.mark.slow
def test_a_killed_worker_is_one_sentence_and_loses_no_finished_shard(at_once, tmp_path):
    process = drive(ROWS, "imagery", "--out", tmp_path / "d", *SAMPLES, "--workers", 2)
    part = tmp_path / "d.part"
    wait_for_shards(process, part, 3)
    kill(workers_of(process)[0])
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "Traceback" not in errors
    sentence = errors.splitlines()[-1]
    assert sentence.startswith("idf: error: ")
    says(sentence, "worker", "died", "out of memory", "shards", part, "same command again")
    finished = re.search(rf"(\d+) of {len(at_once.shards)} shards", sentence)
    assert finished, sentence
    assert int(finished[1]) >= 3
    go_on(tmp_path / "d", at_once)


@pytest.mark.slow
def test_an_interrupted_run_says_so_and_another_recipe_does_not_go_on_with_it(at_once, tmp_path):
    process = drive(ROWS, "imagery", "--out", tmp_path / "d", *SAMPLES)
    part = tmp_path / "d.part"
    wait_for_shards(process, part, 2)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert errors.endswith("idf: interrupted\n")
    assert "Traceback" not in errors
    before = files_of(part)
    other = drive(ROWS, "imagery", "--out", tmp_path / "d", *SAMPLES, "noise=0.5")
    errors = other.communicate(timeout=60)[1]
    assert other.returncode == 1
    assert errors.splitlines()[-1].startswith("idf: error: ")
    says(errors.splitlines()[-1], part, "another run", "remove it")
    assert files_of(part) == before
    go_on(tmp_path / "d", at_once)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds a few shards."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a file system (test_build.py has a disk that is full without being one)")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_loses_no_finished_shard(at_once, small_disk):
    out, part = small_disk / "d", small_disk / "d.part"
    process = drive(ROWS, "imagery", "--out", out, *SAMPLES, "--workers", 2)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert "Traceback" not in errors
    sentence = errors.splitlines()[-1]
    assert sentence.startswith("idf: error: ")
    says(sentence, "disk is full", "shards", part, "same command again")
    assert re.search(r"train-\d{5}\.parquet", sentence)
    assert re.search(rf"\d+ of {len(at_once.shards)} shards", sentence)
    assert not list(part.glob("*.half"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    go_on(out, at_once)
