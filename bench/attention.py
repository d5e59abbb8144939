"""Writes bench/results/attention.json: steps with attention `packed` beside `sdpa` on whole rows, with the same weights and rows.

`python bench/attention.py [--quick] [--out FILE]`. Both ways take turns in one process of one thread, on a CPU; what counts
is the time of the processor, and medians. `sdpa` is what idf did before it had `packed`: transformers' image processor makes
the pixels on the host, and its own attention computes rows squared, and the tower window by window.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from machine import command, machine
from train_data import Width, make_model, scaled_imagery

from idf.data import DatasetFolder
from idf.drawing import decode_picture, on_grid
from idf.training.collate import Collator
from idf.training.dataset import PackedRows, TokenStore, prepare_tokens, tokens_folder
from idf.training.encode import Encoder
from idf.training.load import load_model, load_processor
from idf.training.model import StageModel, freeze_vision
from idf.training.tiny import make_tiny_model
from idf.training.versions import tower_output

WAYS = ("sdpa", "packed")
SAME = 1e-4
"""How far the losses of both ways may be from each other, relative."""


class Before(StageModel):
    """The model as it was fed before: `pixel_values` come from the host."""

    pixel_values: torch.Tensor | None = None

    @torch.no_grad()
    def picture_features(self, patches: Any, colours: Any, grids: Sequence[Any]) -> tuple[Any, list[Any]]:
        assert self.pixel_values is not None
        return tower_output(self.vlm.model.visual(self.pixel_values, grid_thw=torch.tensor(grids)), deepstack=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=24, help="samples to pack (default: %(default)s)")
    parser.add_argument("--passes", type=int, default=5, help="medians of so many (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="the smallest size: shows that it works, measures nothing")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    lengths, divide, width = {8192: 1, 2560: 3}, 1, Width()
    if arguments.quick:
        arguments.samples, arguments.passes = 15, 1
        lengths, divide, width = {1280: 1, 640: 2}, 16, Width(hidden=128, intermediate=384, layers=2)
    torch.set_num_threads(1)
    result: dict[str, Any] = {"command": command(), "machine": machine(), "threads": 1, "precision": "fp32"}
    result |= {"passes": arguments.passes, "samples": arguments.samples, "models": {}}
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = scaled_imagery(folder / "imagery", arguments.samples, divide)
        make_model(data, folder / "bench", width)
        make_tiny_model([data], folder / "tiny")
        for model, checkpointing in (("bench", True), ("tiny", False)):  # as their recipes have it
            rows = {
                str(length): measure(
                    folder / model, data, folder / f"run-{model}", length, rows, checkpointing, arguments
                )
                for length, rows in lengths.items()
            }
            result["models"][model] = {"gradient_checkpointing": checkpointing, "rows_of": rows}
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(
    model: Path, data: DatasetFolder, run: Path, length: int, rows: int, checkpointing: bool, arguments: Any
) -> dict[str, Any]:
    """Both ways on the same micro-batch: the fullest rows of a length."""
    processor = load_processor(str(model))
    encoder = Encoder(processor, length, 1204224)
    prepare_tokens(data, encoder, run, show=False)
    packed = PackedRows(data, TokenStore(tokens_folder(data, encoder, run)), length, 1, 0)
    order = sorted(range(len(packed)), key=lambda r: -sum(len(packed.tokens[i]) for i in packed.rows[r]))
    chosen = [packed[r] for r in order[:rows]]
    collator = Collator(processor.image_processor, encoder.image_token_id, processor.tokenizer.pad_token_id)
    models = {way: _model(model, way, checkpointing) for way in WAYS}
    seconds: dict[str, dict[str, list[float]]] = {way: {"data": [], "step": [], "whole": []} for way in WAYS}
    losses: dict[str, float] = {}
    for number in range(arguments.passes + 1):  # the first one only warms up
        for way in WAYS if number % 2 else WAYS[::-1]:
            batch, of_data = _timed(lambda: collator(chosen))
            if way == "sdpa":
                _, of_cutting = _timed(lambda: [collator._cut(image) for row in chosen for _, s in row for image in s])
                pixels, of_processor = _timed(lambda: _pixels(processor.image_processor, chosen, encoder.grid))
                models[way].pixel_values = pixels
                of_data += of_processor - of_cutting
            counts = batch.pop("counts").tolist()
            loss, of_step = _timed(lambda way=way, batch=batch: _step(models[way], batch))
            losses[way] = loss / counts[1]
            if number:
                seconds[way]["data"].append(of_data)
                seconds[way]["step"].append(of_step)
                seconds[way]["whole"].append(of_data + of_step)
    if abs(losses["sdpa"] - losses["packed"]) > SAME * losses["sdpa"]:
        raise SystemExit(f"the ways compute different losses: {losses}")
    found: dict[str, Any] = {
        "rows": rows,
        "samples": sum(map(len, chosen)),
        "tokens": counts[0],
        "patches": counts[3],
        # What attention computes: of whole rows, and of samples alone (causally half of it).
        "pairs_of_rows_over_pairs_of_samples": round(batch["input_ids"].shape[1] ** 2 * rows / counts[2], 2),
        "loss": {way: round(loss, 7) for way, loss in losses.items()},
        "cpu_seconds": {
            way: {part: round(median(of), 3) for part, of in parts.items()} for way, parts in seconds.items()
        },
    }
    for part in ("step", "whole"):
        ratios = [old / new for old, new in zip(seconds["sdpa"][part], seconds["packed"][part], strict=True)]
        found[f"{part}_times_as_fast"] = round(median(ratios), 2)
        found[f"{part}_times_as_fast_passes"] = [round(ratio, 2) for ratio in ratios]
    print(model.name, length, json.dumps(found), flush=True)
    return found


def _model(folder: Path, way: str, checkpointing: bool) -> Any:
    vlm = load_model(str(folder), precision="fp32", attention=way)
    freeze_vision(vlm)
    if checkpointing:
        vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    return (Before if way == "sdpa" else StageModel)(vlm).train()


def _pixels(image_processor: Any, rows: Sequence[Any], grid: int) -> torch.Tensor:
    """As the collator made them before."""
    pictures = [on_grid(decode_picture(image), grid) for row in rows for _, images in row for image in images]
    pixels: torch.Tensor = image_processor(images=pictures, do_resize=False, return_tensors="pt")["pixel_values"]
    return pixels


def _step(model: StageModel, batch: dict[str, Any]) -> float:
    """The loss, forward and backward; no optimizer."""
    model.zero_grad(set_to_none=True)
    loss = model(**batch)
    loss.backward()
    return float(loss.detach())


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    result = work()
    return result, time.process_time() - begun


if __name__ == "__main__":
    main()
