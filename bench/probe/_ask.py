"""Held-out items in the form of an arm, asked of a checkpoint, greedy.

`python -m bench.probe._ask CHECKPOINT OUT ARM EACH` writes what it came to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.study._outcome import weights_hash, write_json
from idf.backends import HFBackend, Sampling
from idf.data import Sample
from idf.drawing import decode_picture, on_grid

from ._items import held_out, sample_of

SEED = 4321
MAX_NEW_TOKENS = 160
BATCH = 60


def questions(arm: str, each: int) -> list[Sample]:
    """The held-out items in the form of an arm; the same items for all arms and seeds."""
    return [sample_of(item, arm, number) for number, item in enumerate(held_out(SEED, each))]


def answers(checkpoint: str, asked: Sequence[Sample]) -> list[str]:
    """What a checkpoint says, greedy, in the order of the questions.

    `HFBackend.generate` takes one picture for each prompt, so this calls the model itself.
    """
    import torch

    backend = HFBackend(checkpoint, sampling=Sampling(MAX_NEW_TOKENS), device="cpu")
    model, processor = backend.model, backend.processor
    cells = processor.image_processor
    said = [""] * len(asked)
    order = sorted(range(len(asked)), key=lambda place: len(asked[place].images))
    for _, group in groupby(order, key=lambda place: len(asked[place].images)):
        places = list(group)
        for begin in range(0, len(places), BATCH):
            some = places[begin : begin + BATCH]
            texts = [
                processor.apply_chat_template(asked[place].messages[:1], tokenize=False, add_generation_prompt=True)
                for place in some
            ]
            pictures = [
                on_grid(decode_picture(file), cells.patch_size * cells.merge_size)
                for place in some
                for file in asked[place].images
            ]
            inputs = processor(text=texts, images=pictures, do_resize=False, padding=True, return_tensors="pt")
            with torch.inference_mode():
                ids = model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
            fresh = ids[:, inputs["input_ids"].shape[1] :]
            for place, text in zip(some, processor.batch_decode(fresh, skip_special_tokens=True), strict=True):
                said[place] = text
    return said


def judged(asked: Sequence[Sample], said: Sequence[str]) -> dict[str, Any]:
    """What a checkpoint's answers came to, item by item.

    Returns:
        `right`, a dot for each answer that is right in all cells; `parts`, the share of right cells; `walls`, a dot where all
        walls and no others are told; and of the items, not of the answers, `left`, moves to imagine, and `box_moves`.
    """
    found: dict[str, Any] = {"right": "", "parts": [], "walls": ""}
    for sample, text in zip(asked, said, strict=True):
        truth, told = sample.meta["answer"].split(), text.split()
        found["right"] += ".x"[truth != told]
        found["parts"].append(share_of(truth, told))
        found["walls"] += ".x"[[cell == "#" for cell in truth] != [cell == "#" for cell in told]]
    return found | {key: [sample.meta[key] for sample in asked] for key in ("left", "box_moves")}


def share_of(truth: Sequence[str], told: Sequence[str]) -> float:
    """The share of right cells."""
    return round(sum(a == b for a, b in zip(truth, told)) / max(len(truth), len(told)), 4)


def copied(asked: Sequence[Sample]) -> dict[str, float]:
    """The share of right cells of somebody who says the start, or the last state that is shown."""
    return {
        key: round(fmean(share_of(one.meta["answer"].split(), one.meta[key].split()) for one in asked), 4)
        for key in ("start", "last_shown")
    }


def main() -> None:
    checkpoint, out, arm, each = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    asked = questions(arm, each)
    out.parent.mkdir(parents=True, exist_ok=True)
    found = judged(asked, answers(checkpoint, asked)) | {"copied": copied(asked)}
    write_json(out, {"checkpoint": weights_hash(Path(checkpoint)), "answers": found})
    print(found["right"])


if __name__ == "__main__":
    main()
