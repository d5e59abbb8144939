"""A dataset encoded by several processes: the same bytes, the same words, nothing half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import weakref

import psutil
import pytest
from PIL import Image

from idf.data import Block, open_dataset
from idf.training import encode_dataset
from idf.training.dataset import prepare_tokens, tokens_folder
from idf.training.encode import AT_ONCE, Encoder
from idf.training.encode_dataset import count_tokens, workers_for
from idf.training.token_files import TokenStore, write_tokens
from tests.data.foreign import picture_file, row, write_folder
from tests.sentences import refused, says

GOOD = picture_file(Image.new("RGB", (56, 84), "red"))
CUT = GOOD[:-40]
GROUP = 200  # the least rows of a block


def encoder_of(tiny, max_length: int = 768) -> Encoder:
    return Encoder(tiny.processor, max_length, 112 * 112)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """1,300 samples in row groups of 50, 4 to a block."""
    rows = [row(n, *[GOOD] * (n % 3)) for n in range(1300)]
    return write_folder(tmp_path_factory.mktemp("data") / "d", rows, row_group_size=50)


def encoded(tiny, data, run, workers: int | None) -> dict[str, bytes]:
    prepare_tokens(data, encoder_of(tiny), run, show=False, workers=workers)
    found = tokens_folder(data, encoder_of(tiny), run)
    assert [path.name for path in run.iterdir()] == [found.name]
    return {path.name: path.read_bytes() for path in found.iterdir()}


@pytest.mark.slow
def test_the_files_do_not_depend_on_the_number_of_workers(tiny, folder, tmp_path):
    data, encoder = open_dataset(folder, made_by="-"), encoder_of(tiny)
    write_tokens(map(encoder, data.samples()), tmp_path / "plain")
    plain = {path.name: path.read_bytes() for path in (tmp_path / "plain").iterdir()}
    for workers in (1, 2, 3):
        (tmp_path / str(workers)).mkdir()
        assert encoded(tiny, data, tmp_path / str(workers), workers) == plain, workers


def test_blocks_are_whole_row_groups_and_hold_every_sample_once(folder, tiny):
    data = open_dataset(folder, made_by="-")
    blocks = list(data.blocks())
    assert [block.rows for block in blocks] == [GROUP] * 6 + [100]
    assert [s.id for block in blocks for s in block.samples()] == [f"row:{n}" for n in range(1300)]
    assert [block.rows for block in tiny.imagery.blocks()] == [48]


def test_counts_are_those_of_the_stored_tokens(tiny, folder, tmp_path):
    data, encoder = open_dataset(folder, made_by="-"), encoder_of(tiny)
    counted = count_tokens(data, encoder, show=False, workers=1)
    write_tokens(map(encoder, data.samples()), tmp_path / "t")
    store = TokenStore(tmp_path / "t")
    assert counted.lengths.tolist() == store.lengths()
    assert counted.label_counts.tolist() == store.label_counts()
    assert counted.grid_counts.tolist() == [n % 3 for n in range(1300)]
    assert counted.grids.prod(axis=1).sum() == store.patches().sum()


@pytest.mark.slow
def test_the_first_bad_sample_in_order_is_named_by_any_number_of_workers(tiny, tmp_path):
    """The first one is the last of its block, and other blocks are all bad: their workers are done first."""
    rows = [row(n, CUT if n >= GROUP - 1 else GOOD) for n in range(3 * GROUP)]
    data = open_dataset(write_folder(tmp_path / "d", rows, row_group_size=50), made_by="-")
    for workers in (1, 2, 3):
        with refused(f"{2 * GROUP + 1} of {3 * GROUP} samples", f"sample row:{GROUP - 1}", "not a readable picture"):
            prepare_tokens(data, encoder_of(tiny), tmp_path / "run", show=False, workers=workers)
        assert not list(tmp_path.glob("run/tokens-*"))


@pytest.mark.slow
def test_a_block_that_cannot_be_read_is_told_by_its_first_sample_by_any_number_of_workers(tiny, tmp_path):
    rows = [row(n, GOOD) for n in range(3 * GROUP)]
    for n in (GROUP + 7, 2 * GROUP):
        rows[n]["images"] = [{"bytes": None, "path": "a.png"}]
    data = open_dataset(write_folder(tmp_path / "d", rows, row_group_size=50), made_by="-")
    for workers in (1, 2):
        with refused(f"sample row:{GROUP + 7}", "path", "a.png"):
            prepare_tokens(data, encoder_of(tiny), tmp_path / "run", show=False, workers=workers)
        assert not list(tmp_path.glob("run/tokens-*"))


def test_few_samples_are_left_to_this_process_and_no_more_workers_are_taken_than_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)), raising=False)
    assert [workers_for(n) for n in (1, 1999, 4000, 20_000, 10**6)] == [1, 1, 2, 3, 3]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(200)), raising=False)
    assert workers_for(10**6) == encode_dataset.MOST_WORKERS


def test_this_process_holds_few_samples_at_a_time_however_many_there_are(tiny, folder, tmp_path, monkeypatch):
    """A sample lives until its tokens are on the disk, and those of others are not waited for."""
    alive: list[weakref.ref] = []
    most = [0]

    def watched(block, *, samples=Block.samples, **how):
        for sample in samples(block, **how):
            alive.append(weakref.ref(sample))
            most[0] = max(most[0], sum(ref() is not None for ref in alive))
            yield sample

    monkeypatch.setattr(Block, "samples", watched)
    prepare_tokens(open_dataset(folder, made_by="-"), encoder_of(tiny), tmp_path, show=False, workers=1)
    assert len(alive) == 1300
    assert most[0] <= 2 * AT_ONCE + 2


def die(encoder: Encoder) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_told_in_a_sentence_and_leaves_nothing(tiny, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(encode_dataset, "_prepare_worker", die)
    with refused("worker", "killed", "out of memory", "samples", "same command"):
        prepare_tokens(open_dataset(folder, made_by="-"), encoder_of(tiny), tmp_path, show=False, workers=2)
    assert not list(tmp_path.iterdir())


ENCODE = """
import sys
from pathlib import Path
from idf.data import open_dataset
from idf.training.dataset import prepare_tokens
from idf.training.encode import AT_ONCE, Encoder
from idf.training.load import load_processor

if __name__ == "__main__":
    data, model, run = map(Path, sys.argv[1:])
    encoder = Encoder(load_processor(str(model)), 768, 112 * 112)
    prepare_tokens(open_dataset(data, made_by="-"), encoder, run, show=True, workers=2)
"""


def wait_until_ended(processes: list[psutil.Process]) -> None:
    """Workers end by themselves once their parent is gone; nobody may be there to bury them."""
    end = time.monotonic() + 60
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_process_that_is_killed_in_the_middle_leaves_nothing_that_is_taken_for_whole(tiny, folder, tmp_path):
    script, run = tmp_path / "script.py", tmp_path / "run"
    script.write_text(ENCODE)
    run.mkdir()
    data, command = open_dataset(folder, made_by="-"), [sys.executable, script, folder, tiny.own, run]
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    first = subprocess.Popen(command, env=environment)
    while not list(run.glob("*.part/piece-*")):
        assert first.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    wait_until_ended(workers)
    target = tokens_folder(data, encoder_of(tiny), run)
    assert not target.exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    says(again.stderr, "1300/1300", "samples")
    assert "warning" not in again.stderr.lower(), "as the tokenizers' of threads and forks"
    assert [path.name for path in run.iterdir()] == [target.name]
    (tmp_path / "one").mkdir()
    assert {path.name: path.read_bytes() for path in target.iterdir()} == encoded(tiny, data, tmp_path / "one", 1)
