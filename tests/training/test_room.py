"""/dev/shm as Docker gives it: 64 MB."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from torch.utils.data import DataLoader

from idf.training import room
from idf.training.collate import Collator
from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
from idf.training.encode import Encoder
from idf.training.recipe import StageRecipe
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
    batches = [{name: tensor for name, tensor in batch.items() if name != "counts"} for batch in loader]
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
