"""Who answers: opened by name, and told apart by a fingerprint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from idf.backends import (
    OPENAI_URL,
    Backend,
    HFBackend,
    OpenAIBackend,
    VLLMBackend,
    adapter_base,
    asked_with,
    check_base,
    weights_fingerprint,
)
from idf.errors import UserError
from idf.files import read_text

if TYPE_CHECKING:
    from .evaluation import Evaluation

BACKENDS = ("hf", "vllm", "openai")


@dataclass(frozen=True)
class ParserOptions:
    """How a language model is asked for a quote (`--parser-option KEY=VALUE`).

    Attributes:
        max_new_tokens: Longest reply; a model that thinks needs room for its thoughts.
        temperature: 0 always takes the likeliest token; "default" sends none.
        api_key_env: The environment variable with the key.
        concurrency, timeout_s, retries, token_limit_key, extra_body, stop, system, stream: Those of `OpenAIBackend`.
    """

    max_new_tokens: int = 512
    temperature: float | Literal["default"] = 0.0
    api_key_env: str | None = None
    concurrency: int = 8
    timeout_s: float = 300.0
    retries: int = 6
    token_limit_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = field(default_factory=dict)
    stop: list[str] = field(default_factory=list)
    system: str | None = None
    stream: bool = False

    def endpoint(self, base_url: str, api_key_env: str) -> dict[str, Any]:
        """The options as `Evaluation.parser_endpoint` takes them.

        Args:
            base_url: Where the language model is.
            api_key_env: The variable with the key, if the options name none.
        """
        temperature = None if self.temperature == "default" else self.temperature
        own = {"temperature": temperature, "base_url": base_url, "api_key_env": self.api_key_env or api_key_env}
        return {**vars(self), **own}


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
    sampling.check_ours("transformers")
    return HFBackend(
        job.checkpoint,
        max_new_tokens=sampling.max_new_tokens,
        batch_size=job.batch_size,
        temperature=sampling.temperature or 0.0,
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
        return f"openai {job.endpoint.get('base_url', OPENAI_URL)} {checkpoint}{told(job.endpoint)}"
    if not Path(checkpoint).is_dir() and checkpoint.startswith((".", "/", "checkpoints/")):
        raise UserError(f"no checkpoint in {checkpoint}")
    weighed = adapter_base(Path(checkpoint)) or checkpoint
    if Path(weighed).is_dir():  # what cannot answer is refused before a suite is made; of a hub name, loading says it
        check_base(weighed, quantised=backend == "vllm")
    # vLLM cuts an answer where its context ends, and another version or another way to batch may round differently.
    how = f" {versions(backend)['vllm']} {job.context} {job.deterministic}" if backend == "vllm" else ""
    return f"{backend} {_precision(backend)}{how} {weights_fingerprint(checkpoint, whole=job.whole_hash)}"


def told(endpoint: Mapping[str, Any]) -> str:
    """What an endpoint is told beside prompt and sampling, as the end of a fingerprint; empty if that is nothing."""
    asked = asked_with(endpoint)
    return f" {json.dumps(asked, sort_keys=True)}" if asked else ""


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
