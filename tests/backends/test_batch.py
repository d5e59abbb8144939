"""How many prompts are generated at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from idf.backends import HFBackend, Sampling
from idf.backends._batch import MOST_TOGETHER, SHARE_OF_GPU, SHARE_OF_MACHINE, Memory, machine_memory

QWEN_7B = SimpleNamespace(
    hidden_size=3584, num_attention_heads=28, num_key_value_heads=4, num_hidden_layers=28, intermediate_size=18944
)
"""Its config.json, as published."""


class Model(nn.Module):
    """Weights of some GiB on the meta device."""

    def __init__(self, gib: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(int(gib * 2**29) + 1, dtype=torch.bfloat16, device="meta"))
        self.config = SimpleNamespace(get_text_config=lambda: QWEN_7B)


def test_a_token_of_qwen_7b_keeps_56_kib():
    assert Memory(Model(), "cpu").cached == 56 * 1024, "2 x 28 layers x 4 heads x 128 x 2 bytes"


def test_on_a_gpu_weights_and_prompts_share_its_memory(monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda device: SimpleNamespace(total_memory=80 * 2**30))
    memory = Memory(Model(15.5), "cuda:0")
    assert memory.room == pytest.approx((SHARE_OF_GPU * 80 - 15.5) * 2**30, rel=1e-6)
    n = memory.prompts(6000, 2048)
    assert 1 < n < MOST_TOGETHER
    each = 8048 * memory.cached + 6000 * memory.read
    assert n * each <= memory.room < (n + 1) * each
    assert memory.prompts(100, 64) == MOST_TOGETHER
    assert memory.prompts(10**7, 2048) == 1, "one is always tried"


def test_a_container_has_what_it_may_use(tmp_path: Path):
    limit = tmp_path / "memory.max"
    whole = machine_memory(tmp_path / "none")
    limit.write_text("max\n")
    assert machine_memory(limit) == whole
    limit.write_text(f"{2**30}\n")
    assert machine_memory(limit) == 2**30
    assert Memory(Model(), "cpu").room == SHARE_OF_MACHINE * machine_memory()


def backend(batch_size: int | None, room: float = 0.0) -> HFBackend:
    made = HFBackend.__new__(HFBackend)
    made.batch_size, made.sampling = batch_size, Sampling(10)
    made._memory = Memory(Model(), "cpu")
    made._memory.room = room
    return made


@given(st.lists(st.integers(1, 5000), max_size=200), st.integers(1, 9) | st.none(), st.floats(1e6, 1e10))
def test_every_prompt_is_in_one_batch_with_others_of_its_length_and_none_is_too_large(lengths, batch_size, room):
    asked = backend(batch_size, room)
    batches = asked.batches(lengths)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    ordered = [lengths[i] for batch in batches for i in batch]
    assert ordered == sorted(lengths, reverse=True)
    for batch in batches:
        most = batch_size or asked._memory.prompts(lengths[batch[0]], 10)
        assert 1 <= len(batch) <= most
        assert asked.batches([lengths[i] for i in batch]) == [list(range(len(batch)))], "alone it is the same batch"
