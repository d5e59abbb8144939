"""One way of training, in a process of its own, so that the peak of its memory is its own; bench/train.py starts it.

`python bench/train_ways.py WAY SPEC`, with SPEC in JSON; the last line that it prints is the result, in JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from machine import peak_mib

from idf.data import open_dataset

OURS = ("packed", "packed in long rows", "unpacked")
"""One row, packed or of a padded batch of samples, is a micro-batch and a step."""


@dataclass(frozen=True)
class Peer:
    """A setting of Trainer or of TRL.

    Attributes:
        micro_batch: Samples that are padded to the longest and computed at once; a step adds up as many of them as it needs.
        sorted: Whether samples of like length come together, as `train_sampling_strategy: group_by_length` has it.
        tower_out: Whether the frozen tower stays out of the backward pass.
        trl: Whether it is TRL's trainer.
    """

    micro_batch: int
    sorted: bool = False
    tower_out: bool = True
    trl: bool = False


# Micro-batches of one need no padding, so that sorting them would change nothing.
SWEEP = {
    "Trainer, 1": Peer(1),
    **{f"Trainer, {size} at random": Peer(size) for size in (2, 4, 8)},
    **{f"Trainer, {size} sorted": Peer(size, sorted=True) for size in (2, 4, 8)},
}
PEERS = SWEEP | {
    "Trainer, 8 at random, tower in": Peer(8, tower_out=False),
    "TRL, 1": Peer(1, trl=True),
    "TRL, 8 at random": Peer(8, trl=True),
}
LLAMA_FACTORY = "LLaMA-Factory, neat_packing"
CHUNK_ON_CPU = 512  # in place of the training's 2048: a quarter of the memory shows the same


@dataclass(frozen=True)
class Spec:
    """What to train on.

    Attributes:
        model: Folder of the model.
        data: Folder of the dataset.
        run: Folder for whatever a way writes.
        tokens_per_row: Most tokens in a packed row.
        long_rows: The same of the long rows.
        samples: Samples in a step of the ways that do not pack.
        workers: Of the data loader.
        cpu: Whether to leave a GPU alone.
        attention: Of our ways, by its name in a recipe.
    """

    model: str
    data: str
    run: str
    tokens_per_row: int
    long_rows: int
    samples: int
    workers: int
    cpu: bool
    attention: str


def main() -> None:
    way, spec = sys.argv[1], json.loads(sys.argv[2])
    if way in ("chunked", "full"):
        result = head_memory(way, **spec)
    elif way in PEERS:
        result = train_peer(Spec(**spec), PEERS[way])
    elif way == "packed in long rows":
        result = train_our_way(replace(Spec(**spec), tokens_per_row=spec["long_rows"]), packed=True)
    else:
        result = train_our_way(Spec(**spec), packed=way == "packed")
    print(json.dumps(result))


def train_our_way(spec: Spec, packed: bool) -> dict[str, Any]:
    """Steps of our engine, each of one packed row, or of a padded batch of samples; the first step only warms up."""
    from torch.utils.data import DataLoader

    from idf.training.collate import COUNTS, Collator
    from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
    from idf.training.encode import Encoder
    from idf.training.engine import Engine
    from idf.training.load import load_processor, load_trainable
    from idf.training.model import StageModel
    from idf.training.recipe import HookRecipe, StageRecipe

    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    recipe = StageRecipe(
        stage="imagery",
        model=spec.model,
        data=spec.data,
        run=spec.run,
        device="cpu" if spec.cpu else "gpu",
        gpus=1,
        precision="fp32",
        deepspeed=None,
        attention=spec.attention,  # type: ignore[arg-type]
        tokens_per_row=spec.tokens_per_row,
        rows_per_micro_batch=1,
        rows_per_step=1,
        wandb=False,
        hook=HookRecipe(mode="off"),
    )
    recipe.check()
    engine, folder, processor = Engine(recipe), open_dataset(Path(spec.data), made_by="-"), load_processor(spec.model)
    encoder = Encoder(processor, recipe.tokens_per_row, recipe.max_pixels)
    prepare_tokens(folder, encoder, Path(spec.run), show=False)
    tokens = TokenStore(tokens_folder(folder, encoder, Path(spec.run)))
    rows = PackedRows(folder, tokens, recipe.tokens_per_row, 1, recipe.seed)
    if not packed:
        rows.rows = [[i] for i in range(len(tokens))]
    vlm = load_trainable(recipe, None)
    collator = Collator(processor.image_processor, vlm.config.image_token_id, processor.tokenizer.pad_token_id)
    engine.prepare(StageModel(vlm))
    engine.model.train()
    order = in_steps(range(len(rows)), 1 if packed else spec.samples)
    loader = DataLoader(
        rows,
        batch_sampler=[order[0], *order],
        collate_fn=collator,
        num_workers=spec.workers,
        pin_memory=not spec.cpu,
        prefetch_factor=2 if spec.workers else None,
    )
    seconds, cpu_seconds, waits, losses, before = [], [], [], [], peak_mib(spec.cpu)
    counted, positions = dict.fromkeys(COUNTS, 0), []
    batches = iter(loader)
    for step in range(len(order) + 1):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        batch = next(batches)
        waited = time.perf_counter() - begun
        counts = dict(zip(COUNTS, batch.pop("counts").tolist(), strict=True))
        batch = {name: tensor.to(engine.device, non_blocking=True) for name, tensor in batch.items()}
        loss, _ = engine.step([batch], counts["label_tokens"], recipe.learning_rate)  # returns when the step is done
        losses.append(loss / counts["label_tokens"])
        if step:
            seconds.append(time.perf_counter() - begun)
            cpu_seconds.append(time.process_time() - cpu_begun)
            waits.append(waited)
            counted = {name: counted[name] + counts[name] for name in COUNTS}
            positions.append(batch["input_ids"].numel())
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "samples": len(tokens),
        "tokens": counted["tokens"],
        "label_tokens": counted["label_tokens"],
        "positions": sum(positions),
        "largest_micro_batch": max(positions),
        "first_loss": losses[0],
        "data_wait_share": sum(waits) / sum(seconds),
        "before_mib": before,
        "peak_mib": peak_mib(spec.cpu),
    }


def train_peer(spec: Spec, peer: Peer) -> dict[str, Any]:
    """Steps of Trainer or of TRL.

    The sampler of `group_by_length` sorts 50 steps at a time, longest first, where the set is long enough; of three it would
    sort each by itself. All samples are sorted here, as they would be within such 50.
    """
    from stock_trainer import PaddingCollator, train_stock

    from idf.training.load import load_processor

    samples = list(open_dataset(Path(spec.data), made_by="-").samples())
    if peer.sorted:
        collator = PaddingCollator(load_processor(spec.model))
        samples.sort(key=lambda sample: collator([sample])["input_ids"].numel(), reverse=True)
    steps = in_steps(samples, spec.samples)
    return train_stock(
        spec.model,
        [steps[0], *steps],
        micro_batch=peer.micro_batch,
        tower_out=peer.tower_out,
        trl=peer.trl,
        workers=spec.workers,
        cpu=spec.cpu,
        out=spec.run,
    )


def in_steps(things: Sequence[Any], size: int) -> list[list[Any]]:
    """Things cut into steps; the last one may be shorter."""
    return [list(things[at : at + size]) for at in range(0, len(things), size)]


def head_memory(way: str, tokens: int, hidden: int, vocabulary: int, chunk: int | None, cpu: bool) -> dict[str, Any]:
    """Peak memory of the loss alone, forward and backward, of so many label tokens.

    Args:
        way: "chunked": our loss. "full": all logits at once, as the model's own forward pass makes them.
        tokens: Label tokens.
        hidden: Width of the hidden states.
        vocabulary: Rows of the output projection.
        chunk: Label tokens whose logits our loss holds at once; None for the training's own value.
        cpu: Whether to leave a GPU alone.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from idf.training import model

    model.CHUNK = chunk or model.CHUNK
    small = torch.nn.Linear(8, 8)  # what the first call imports is no cost of the loss
    model.label_loss(torch.randn(1, 3, 8, requires_grad=True), torch.ones(1, 3, dtype=torch.long), small).backward()
    device, dtype = ("cpu", torch.float32) if cpu else ("cuda", torch.bfloat16)
    torch.manual_seed(0)
    head = torch.nn.Linear(hidden, vocabulary, bias=False, device=device, dtype=dtype)
    head.weight.grad = torch.zeros_like(head.weight)
    states = torch.randn(1, tokens + 1, hidden, device=device, dtype=dtype, requires_grad=True)
    labels = torch.randint(vocabulary, (1, tokens + 1), device=device)
    before = peak_mib(cpu)
    if way == "chunked":
        loss = model.label_loss(states, labels, head)
    else:
        loss = cross_entropy(head(states[:, :-1]).float().flatten(0, 1), labels[0, 1:], reduction="sum")
    loss.backward()
    return {
        "label_tokens": tokens,
        "peak_mib": round(peak_mib(cpu) - before),
        "loss": round(float(loss.detach()) / tokens, 6),
    }


if __name__ == "__main__":
    main()
