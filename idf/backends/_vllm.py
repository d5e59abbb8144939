"""The vLLM backend: offline generation in this process. Written for the interface of vLLM 0.9 to 0.11."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idf.drawing import on_grid
from idf.errors import UserError
from idf.extras import require
from idf.recipe import key

from ._backend import Backend
from ._base import check_base
from ._checkpoint import checkpoint_fingerprint
from ._fingerprint import adapter_base
from ._hf import check_complete
from ._request import ModelSpec, Request, Response, Sampling, chat_messages, seed_of


@dataclass(frozen=True)
class VLLMOptions:
    """What a user may choose of vLLM.

    Attributes:
        batch_size: Requests handed over at once.
        gpus: GPUs that share the model (tensor parallelism).
        max_model_len: Longest prompt and response together, in tokens; None for the model's own limit.
        deterministic: Whether an answer is the same whatever else is in its batch (VLLM_BATCH_INVARIANT).
    """

    batch_size: int = key(512, least=1, help="requests handed over at once; what a killed run loses")
    gpus: int = key(1, least=1, help="GPUs that share the model")
    max_model_len: int | None = key(
        None, least=1, help="longest prompt and response together, in tokens (default: the model's own)"
    )
    deterministic: bool = key(False, help="the same answer whatever else is in a batch (slower)")


class VLLMBackend(Backend):
    """A checkpoint in vLLM.

    Args:
        model: A complete Hugging Face folder, or a hub name.
        sampling: How tokens are chosen. Each request is drawn with a seed of its own.
        batch_size: Requests handed over at once. vLLM schedules them itself: the more, the faster. Responses come
            when all of them are done, so this is also what a killed run loses.
        gpus: GPUs that share the model (tensor parallelism).
        max_model_len: Longest prompt and response together, in tokens; None for the model's own limit.
        deterministic: Whether an answer is the same whatever else is in its batch.

    Raises:
        UserError: vLLM is not installed, or the model cannot be loaded.
    """

    Options = VLLMOptions
    extra = "vllm"
    libraries = ("torch", "transformers", "vllm")

    def __init__(
        self,
        model: str,
        *,
        sampling: Sampling,
        batch_size: int = 512,
        gpus: int = 1,
        max_model_len: int | None = None,
        deterministic: bool = False,
    ) -> None:
        require(f"{model} in vLLM", "vllm")
        if deterministic:
            os.environ["VLLM_BATCH_INVARIANT"] = "1"  # read when vLLM is imported
        try:
            import vllm
        except ImportError as error:  # installed, and it does not run on this machine
            raise UserError(f"vLLM cannot be imported: {error}") from None
        if adapter_base(Path(model)) is not None:
            raise UserError(f"{model} holds adapters: merge them first, idf merge {model} --out DIR, and name DIR")
        if Path(model).is_dir():
            check_complete(Path(model))
            check_base(model, quantised=True)
        self.name = f"vllm:{model}"
        self.sampling = sampling
        self.batch_size = batch_size
        try:
            self.llm = vllm.LLM(
                model=model,
                dtype="bfloat16",
                load_format="safetensors",
                tensor_parallel_size=gpus,
                max_model_len=max_model_len,
                limit_mm_per_prompt={"image": 1},
                seed=sampling.seed,
            )
        except (OSError, ValueError) as error:
            raise UserError(f"vLLM cannot load {model}: {' '.join(str(error).split())}") from None
        self.context = int(self.llm.llm_engine.model_config.max_model_len)
        self._grid = _grid(self.llm.llm_engine.model_config.hf_config)

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Responses with the index of their request, `batch_size` at a time.

        Raises:
            UserError: vLLM refuses a prompt, for example because it is too long.
        """
        from vllm import SamplingParams

        sampling = self.sampling
        for begin in range(0, len(requests), self.batch_size):
            some = [requests[i] for i in range(begin, min(begin + self.batch_size, len(requests)))]
            params = [
                SamplingParams(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_tokens=sampling.max_new_tokens,
                    # Greedy needs none, and vLLM is faster without.
                    seed=seed_of(sampling, request) if sampling.draws else None,
                )
                for request in some
            ]
            conversations = [chat_messages(self._shown(request)) for request in some]
            try:
                outputs = self.llm.chat(conversations, params, use_tqdm=False)
            except ValueError as error:
                raise UserError(f"vLLM refuses a prompt: {' '.join(str(error).split())}") from None
            for i, output in enumerate(outputs):
                (completion,) = output.outputs
                prompt_tokens = None if output.prompt_token_ids is None else len(output.prompt_token_ids)
                yield (
                    begin + i,
                    Response(completion.text, prompt_tokens, len(completion.token_ids), completion.finish_reason),
                )

    @classmethod
    def told(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing: how requests are spread over batches and GPUs changes no more than rounding."""
        return {}

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        """The weights, and what may round in another way: vLLM's version, where it cuts an answer, its way to batch."""
        weights = checkpoint_fingerprint(spec.model, whole=whole, quantised=True)
        options = spec.options
        how = f"{cls.versions()['vllm']} {options.get('max_model_len')} {options.get('deterministic', False)}"
        return f"{spec.backend} bf16 {how} {weights}"

    def _shown(self, request: Request) -> Request:
        """A request whose picture has sides that a Qwen-VL model need not resample; other models get it as it is."""
        if request.picture is None or self._grid is None:
            return request
        return replace(request, picture=on_grid(request.picture, self._grid))


def _grid(config: Any) -> int | None:
    """Side in pixels of what becomes one vision token of a Qwen-VL model; None for others, which cut in their own way."""
    vision = getattr(config, "vision_config", None)
    patch, merge = getattr(vision, "patch_size", None), getattr(vision, "spatial_merge_size", None)
    return patch * merge if isinstance(patch, int) and isinstance(merge, int) else None
