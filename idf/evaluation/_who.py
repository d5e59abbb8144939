"""Who answers: opened by name, and told apart by a fingerprint."""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from idf.backends import (
    OPENAI_URL,
    Backend,
    HFBackend,
    OpenAIBackend,
    VLLMBackend,
    adapter_base,
    check_base,
    weights_fingerprint,
)
from idf.errors import UserError
from idf.files import read_text

if TYPE_CHECKING:
    from ._job import Evaluation

BACKENDS = ("hf", "vllm", "openai")


def open_backend(job: Evaluation) -> Backend:
    """The backend of an evaluation, its model loaded.

    Raises:
        UserError: It cannot be loaded or reached.
    """
    assert job.checkpoint is not None
    if job.backend == "openai":
        return OpenAIBackend(job.checkpoint, sampling=job.sampling, **job.endpoint)
    if job.backend == "vllm":
        if job.deterministic:
            os.environ["VLLM_BATCH_INVARIANT"] = "1"  # read when vLLM is imported
        return VLLMBackend(job.checkpoint, sampling=job.sampling, max_model_len=job.context, gpus=job.gpus)
    sampling = job.sampling
    return HFBackend(
        job.checkpoint,
        max_new_tokens=sampling.max_new_tokens,
        batch_size=job.batch_size,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
    )


def fingerprint_of(job: Evaluation, checkpoint: str) -> str:
    """What tells whoever answers from anybody else.

    Of an endpoint only its address and the model's name are known: what it serves under that name may change.

    Raises:
        UserError: The checkpoint is not there, or cannot answer as it lies there (`check_base`).
    """
    backend = job.backend
    if backend == "openai":
        return f"openai {job.endpoint.get('base_url', OPENAI_URL)} {checkpoint}"
    if not Path(checkpoint).is_dir() and checkpoint.startswith((".", "/", "checkpoints/")):
        raise UserError(f"no checkpoint in {checkpoint}")
    weighed = adapter_base(Path(checkpoint)) or checkpoint
    if Path(weighed).is_dir():  # what cannot answer is refused before a suite is made; of a hub name, loading says it
        check_base(weighed, quantised=backend == "vllm")
    # vLLM cuts an answer where its context ends, and another version or another way to batch may round differently.
    how = f" {versions(backend)['vllm']} {job.context} {job.deterministic}" if backend == "vllm" else ""
    return f"{backend} {_precision(backend)}{how} {weights_fingerprint(checkpoint, whole=job.whole_hash)}"


def _precision(backend: str) -> str:
    import torch

    return "bf16" if backend == "vllm" or torch.cuda.is_available() else "fp32"


def trained_pixels(checkpoint: str) -> int | None:
    """The largest picture that a checkpoint was trained with; None if it does not say.

    Raises:
        UserError: Its `idf.json` is broken.
    """
    folder = Path(checkpoint)
    found = [path for path in (folder / "idf.json", folder.parent / "idf.json") if path.is_file()]
    if not folder.is_dir() or not found or (found[0].parent != folder and folder.name != "adapter"):
        return None
    try:
        return int(json.loads(read_text(found[0]))["recipe"]["max_pixels"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{found[0]} does not say recipe.max_pixels ({type(error).__name__} {error})") from None


def versions(backend: str) -> dict[str, str | None]:
    """The versions of the libraries that decide over an answer."""
    names = {"hf": ("torch", "transformers", "peft"), "vllm": ("torch", "transformers", "vllm"), "openai": ("httpx",)}
    found: dict[str, str | None] = {}
    for name in names[backend]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
