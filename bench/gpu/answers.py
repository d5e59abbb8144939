"""Items a second of idf-eval's own asking and scoring at the 7B's shapes, in transformers.

The weights are random and made on the GPU: to write and read a checkpoint of 17 GB would cost as much time as the
measurement, and tell nothing of it. So the backend is given the model, and all after that is what idf-eval does: pictures,
prompts, batches, generation, verdicts. Random weights hardly ever end a response, so each is as long as it may be:
the figure is that of responses of that length. The tokenizer is the tiny model's, so a prompt has more tokens than in Qwen's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import peak_mib
from settings import MODELS
from shapes import config_of

from idf.backends import HFBackend, Sampling
from idf.evaluation import evaluate
from idf.suites import open_suite
from idf.training.load import load_processor, random_model
from idf.training.tiny import SPECIAL_TOKENS

PROMPTS, MAX_PIXELS = "idf-long-1", 1_204_224


def measure(spec: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Ask a suite with pictures in batches of several sizes."""
    cpu = spec["cpu"]
    data = Path(spec["data"])
    new_tokens, sizes = (8, (5,)) if cpu else (256, (16, 60))
    processor = load_processor(str(data / "quickstart/tiny"))
    model = _model(processor.tokenizer, cpu)
    items = open_suite(str(data / "suite"))
    report({"items": len(items), "mode": "vtqa", "prompts": PROMPTS, "max_new_tokens": new_tokens})
    found: dict[str, Any] = {}
    for size in sizes:
        backend = HFBackend(
            f"random weights of {MODELS['7b']}",
            sampling=Sampling(new_tokens),
            batch_size=size,
            device="cpu" if cpu else "cuda",
            loaded=(model, processor),
        )
        evaluate(items[:1], ["vtqa"], backend, prompts=PROMPTS, max_pixels=MAX_PIXELS, show=False)  # warms up
        if not cpu:
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        rows = evaluate(items, ["vtqa"], backend, prompts=PROMPTS, max_pixels=MAX_PIXELS, show=False)
        seconds = time.perf_counter() - begun
        tokens = sum(row.completion_tokens or 0 for row in rows)
        found[str(size)] = {
            "items_per_second": round(len(rows) / seconds, 3),
            "new_tokens_per_second": round(tokens / seconds, 1),
            "seconds": round(seconds, 2),
            "prompt_tokens_median": median(row.prompt_tokens or 0 for row in rows),
            "completion_tokens_median": median(row.completion_tokens or 0 for row in rows),
            "peak_gib": round(peak_mib(cpu) / 1024, 2),
        }
        report({"batch_size": found})


def _model(tokenizer: Any, cpu: bool) -> Any:
    """The 7B's shapes under the special tokens of the tiny tokenizer."""
    config = config_of("7b", cpu)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    config.image_token_id, config.video_token_id = ids["<|image_pad|>"], ids["<|video_pad|>"]
    config.vision_start_token_id, config.vision_end_token_id = ids["<|vision_start|>"], ids["<|vision_end|>"]
    precision, device = ("fp32", "cpu") if cpu else ("bf16", "cuda")
    model = random_model(config, precision=precision, attention="sdpa", device=device)
    model.generation_config.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    return model
