"""What both environments are asked alike; the tests run it here, and as a script in XTuner's.

python xtuner_probe.py numbers DATA OUT MODEL...   encoding, collating, loss and gradient of a few samples
python xtuner_probe.py refusals FOLDER             what XTuner's part refuses, as JSON
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

RECIPE: dict[str, Any] = {
    "stage": "imagery",
    "model": "m",
    "data": "d",
    "precision": "fp32",
    "attention": "sdpa",
    "deepspeed": None,
    "rows_per_step": 4,
    "hook": {"mode": "off"},
    "wandb": False,
}


def numbers(model: Path, data: Path, out: Path) -> None:
    """Write a packed micro-batch, with its loss and the norm of its gradient."""
    import torch
    from safetensors.torch import save_file

    from idf.data import open_dataset
    from idf.training.collate import Collator
    from idf.training.encode import Encoder
    from idf.training.load import load_model, load_processor
    from idf.training.model import StageModel, freeze_vision

    processor = load_processor(str(model))
    encoder = Encoder(processor, 2048, 112 * 112)
    samples = [sample for sample, _ in zip(open_dataset(data, made_by="-").samples(), range(6))]
    encoded = [(encoder(sample), sample.images) for sample in samples]
    vlm = load_model(str(model), precision="fp32", attention="sdpa")
    freeze_vision(vlm)
    collate = Collator(processor.image_processor, encoder.image_token_id, processor.tokenizer.pad_token_id)
    batch = collate([encoded[:3], encoded[3:]])
    loss = StageModel(vlm)(**{name: tensor for name, tensor in batch.items() if name != "counts"})
    loss.backward()
    squares = [p.grad.double().square().sum() for p in vlm.parameters() if p.grad is not None]
    cuts = batch.pop("cuts")
    batch["samples"], batch["pictures"] = torch.tensor(cuts.samples), torch.tensor(cuts.pictures)
    save_file({**batch, "loss": loss.detach(), "gradient": torch.stack(squares).sum().sqrt()}, out)


def refusals(folder: Path) -> dict[str, str]:
    """The sentence for each thing that is refused."""
    from idf.errors import UserError
    from idf.integrations.xtuner._log import _check_engine
    from idf.integrations.xtuner._recipe import check_run, stage_recipe
    from idf.recipe import to_plain

    said = {}

    def attempt(name: str, what: Callable[[], object]) -> None:
        try:
            what()
        except UserError as error:
            said[name] = str(error)

    run = folder / "run"
    begun = folder / "run" / "checkpoint-2"
    recipe = stage_recipe({**RECIPE, "run": str(run)})
    attempt("good recipe", lambda: stage_recipe({**RECIPE, "run": str(run)}))
    attempt("fresh run", lambda: check_run(recipe, "f", 1))
    changes: dict[str, dict[str, Any]] = {
        "unknown key": {"learnig_rate": 1e-5},
        "lora": {"lora": {"rank": 4}},
        "packed": {"attention": "packed"},
        "vision": {"train": "all"},
        "zero3": {"deepspeed": "zero3", "precision": "bf16"},
        "inline": {"hook": {"mode": "inline"}},
        "decay": {"weight_decay": 0.1},
        "wandb": {"wandb": True},
        "weights": {"resume": "weights"},
        "one checkpoint": {"keep_checkpoints": 1},
    }
    for name, change in changes.items():
        attempt(name, lambda change=change: stage_recipe({**RECIPE, "run": str(run), **change}))
    facts = {"stage": "imagery", "recipe": to_plain(recipe), "step": 2, "ranks": 1, "data": {"fingerprint": "f"}}
    begun.mkdir(parents=True)
    (begun / "idf.json").write_text(json.dumps(facts))
    attempt("begun by idf", lambda: check_run(recipe, "f", 1))
    (begun / "idf.json").write_text(json.dumps({**facts, "engine": "xtuner"}))
    attempt("state lost", lambda: check_run(recipe, "f", 1))
    (run / "last_checkpoint").write_text("iter_2.pth")
    attempt("goes on", lambda: check_run(recipe, "f", 1))
    attempt("other data", lambda: check_run(recipe, "g", 1))
    (run / "final").mkdir()
    (run / "final" / "idf.json").write_text("{}")
    attempt("finished", lambda: check_run(recipe, "f", 1))

    def runner(zero: int | None = None, accumulation: int = 4, work_dir: Path = run) -> Any:
        engine = SimpleNamespace(zero_optimization_stage=lambda: zero, gradient_accumulation_steps=lambda: accumulation)
        wrapper = SimpleNamespace(_accumulative_counts=accumulation)
        cfg = {"strategy": {"type": "DeepSpeedStrategy"}} if zero else {}
        return SimpleNamespace(work_dir=str(work_dir), model=engine, optim_wrapper=wrapper, cfg=cfg, world_size=1)

    sharded = stage_recipe({**RECIPE, "run": str(run), "deepspeed": "zero2", "precision": "bf16"})
    attempt("plain", lambda: _check_engine(runner(), recipe, 4))
    attempt("zero2", lambda: _check_engine(runner(zero=2), sharded, 4))
    attempt("no deepspeed", lambda: _check_engine(runner(), sharded, 4))
    attempt("deepspeed", lambda: _check_engine(runner(zero=2), recipe, 4))
    attempt("zero1", lambda: _check_engine(runner(zero=1), sharded, 4))
    attempt("accumulation", lambda: _check_engine(runner(accumulation=2), recipe, 4))
    attempt("work_dir", lambda: _check_engine(runner(work_dir=folder), recipe, 4))
    return said


if __name__ == "__main__":
    if sys.argv[1] == "numbers":
        data, out, *models = map(Path, sys.argv[2:])
        for model in models:
            numbers(model, data, out / model.name)
    else:
        print(json.dumps(refusals(Path(sys.argv[2]))))
