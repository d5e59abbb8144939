"""/dev/shm as Docker gives it, 64 MB, and disks without room for the checkpoints."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from torch.utils.data import DataLoader

from idf.training import room
from idf.training.collate import Collator
from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
from idf.training.encode import Encoder
from idf.training.overhead import disk_bytes
from idf.training.recipe import StageRecipe
from idf.training.survey import size
from tests.sentences import refused

RECIPE = StageRecipe(
    "imagery", "m", "d", "r", tokens_per_row=768, rows_per_step=4, rows_per_micro_batch=2, loader_workers=3
)


@pytest.fixture
def rows(tiny, tmp_path):
    encoder = Encoder(tiny.processor, 768, 112 * 112)
    prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    return PackedRows(tiny.imagery, TokenStore(tokens_folder(tiny.imagery, encoder, tmp_path)), 768, 4, 0)


def free(monkeypatch, mebibytes: float) -> None:
    disk = SimpleNamespace(f_bavail=int(mebibytes * 256), f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)


def test_what_is_needed_is_what_the_workers_batches_hold(tiny, rows, monkeypatch):
    collator = Collator(tiny.processor.image_processor, 1, 0)
    order = [[a, b] for a in range(len(rows)) for b in range(len(rows)) if a != b]
    loader = DataLoader(rows, batch_sampler=order, collate_fn=collator)
    batches = [{name: tensor for name, tensor in batch.items() if name not in ("counts", "cuts")} for batch in loader]
    largest = max(sum(tensor.numel() * tensor.element_size() for tensor in batch.values()) for batch in batches)
    needed = 2 * 3 * 2 * largest / 2**20  # ranks, workers, micro-batches ahead
    free(monkeypatch, 1.1 * needed)
    room.check_shared_memory(RECIPE, rows, tiny.processor.image_processor, 2, 1)
    free(monkeypatch, 0.95 * needed)
    with refused("/dev/shm", "MiB", "2 ranks", "3 workers", "--shm-size=2g", "--ipc=host", "loader_workers=0"):
        room.check_shared_memory(RECIPE, rows, tiny.processor.image_processor, 2, 1)


def test_without_workers_nothing_is_asked(rows, monkeypatch):
    free(monkeypatch, 0)
    room.check_shared_memory(StageRecipe("imagery", "m", "d", "r", loader_workers=0), rows, None, 8, 1)


@pytest.fixture
def recipe(tiny, tmp_path):
    return StageRecipe(
        *("imagery", str(tiny.model), str(tiny.imagery.path), str(tmp_path / "run")),
        **{"device": "cpu", "precision": "fp32", "deepspeed": "zero2", "save_steps": 2, "keep_checkpoints": 3},
    )


def test_a_disk_without_room_for_the_checkpoints_that_are_kept_is_refused(recipe, monkeypatch):
    needed = disk_bytes(recipe, size(recipe), steps=100) / 2**20
    free(monkeypatch, needed + 1)
    room.check_disk(recipe, steps=100)
    free(monkeypatch, needed - 1)
    with refused(recipe.run, "GB free", f"{needed * 2**20 / 1e9:,.2f} GB", "run=", "keep_checkpoints"):
        room.check_disk(recipe, steps=100)
    room.check_disk(recipe, steps=5)  # it ends before so many are there


def test_a_run_that_resumes_has_its_own_checkpoints_to_put_new_ones_in_the_place_of(recipe, monkeypatch):
    held = 3 * 2**20
    folder = room.Path(recipe.run) / "checkpoint-2"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(held))
    needed = disk_bytes(recipe, size(recipe), steps=100)
    free(monkeypatch, (needed - held) / 2**20 + 1)
    room.check_disk(recipe, steps=100)
    free(monkeypatch, (needed - held) / 2**20 - 1)
    with refused("besides", "0.00 GB of checkpoints"):
        room.check_disk(recipe, steps=100)
