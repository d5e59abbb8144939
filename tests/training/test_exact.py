"""The same mathematics whatever the micro-batch, the ranks, the preset and the precision."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from .running import history, imagery_recipe, run

pytestmark = pytest.mark.slow


def update(tiny, folder) -> dict[str, torch.Tensor]:
    """What a run changed, by tensor."""
    before, after = load_file(tiny.model / "model.safetensors"), load_file(folder / "final" / "model.safetensors")
    return {name: (after[name] - before[name]).double() for name in before if not name.startswith("visual.")}


WAYS = {
    "one rank, four rows at once": (1, 4),
    "one rank, 1 x 4": (1, 1),
    "two ranks, 1 x 2": (2, 1),
    "two ranks, 2 x 1": (2, 2),
}


def test_micro_batch_accumulation_and_ranks_give_the_same_update(tiny, tmp_path):
    # Four rows with unequal numbers of label tokens: a mean of means would be another update.
    updates, seen = {}, {}
    for way, (ranks, rows) in WAYS.items():
        recipe = imagery_recipe(tiny, run=f"run{len(updates)}", epochs=0.25, rows_per_micro_batch=rows, warmup=0.0)
        done = run("stage1.py", recipe, tmp_path, ranks=ranks)
        assert done.returncode == 0, done.stderr[-3000:]
        (seen[way],) = history(tmp_path / recipe["run"])
        updates[way] = update(tiny, tmp_path / recipe["run"])
    first, *others = WAYS
    whole = torch.cat([tensor.flatten() for tensor in updates[first].values()])
    assert whole.norm() > 0
    for way in others:
        assert seen[way]["loss"] == pytest.approx(seen[first]["loss"], rel=1e-6)
        assert seen[way]["grad_norm"] == pytest.approx(seen[first]["grad_norm"], rel=1e-5)
        other = torch.cat([updates[way][name].flatten() for name in updates[first]])
        print(way, float((other - whole).norm() / whole.norm()))
