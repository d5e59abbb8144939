"""The vLLM backend: offline generation. Run with vLLM 0.32.0 on a CPU (`tests/backends/test_vllm_real.py`), on no GPU so far."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from idf.drawing import on_grid
from idf.errors import UserError
from idf.extras import require
from idf.recipe import key

from ._base import check_base
from ._checkpoint import CheckpointBackend, checkpoint_fingerprint
from ._fingerprint import adapter_base
from ._hf import check_complete
from ._request import ModelSpec, Request, Response, Sampling, chat_messages, seed_of

DTYPES = ("auto", "bfloat16", "float16", "float32")
INVARIANT_SINCE = (8, 0)
"""The least compute capability for answers that do not depend on the batch, as the documentation of vLLM 0.32 has it; that of
0.20 to 0.22 said 9.0."""
_INVARIANT = "VLLM_BATCH_INVARIANT"


@dataclass(frozen=True)
class VLLMOptions:
    """What a user may choose of vLLM.

    Attributes:
        batch_size: Requests handed over at once.
        gpus: GPUs that share the model (tensor parallelism).
        max_model_len: Longest prompt and response together, in tokens; None for the model's own limit.
        dtype: Kind of numbers that weights and activations have.
        enforce_eager: Whether the model runs without being compiled first.
        deterministic: Whether an answer is the same whatever else is in its batch (VLLM_BATCH_INVARIANT).
    """

    batch_size: int = key(512, least=1, help="requests handed over at once; what a killed run loses")
    gpus: int = key(1, least=1, help="GPUs that share the model")
    max_model_len: int | None = key(
        None, least=1, help="longest prompt and response together, in tokens (default: the model's own)"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = key(
        "bfloat16", help="numbers of weights and activations; on a CPU, float32 gives the answers of hf"
    )
    enforce_eager: bool = key(
        False, help="run the model as it is written, uncompiled: the first answer comes sooner, the last one later"
    )
    deterministic: bool = key(
        False,
        help="the same answer whatever else is in a batch (slower); needs a GPU, of NVIDIA's one of compute capability 8.0 "
        "(A100) or more",
    )


class VLLMBackend(CheckpointBackend):
    """A checkpoint in vLLM.

    Args:
        model: A complete Hugging Face folder, or a hub name.
        sampling: How tokens are chosen. Each request is drawn with a seed of its own.
        batch_size: Requests handed over at once. vLLM schedules them itself: the more, the faster. Responses come
            when all of them are done, so this is also what a killed run loses.
        gpus: GPUs that share the model (tensor parallelism).
        max_model_len: Longest prompt and response together, in tokens; None for the model's own limit.
        dtype: Kind of numbers that weights and activations have, on a CPU too; "auto" is bf16 for a model in bf16, and fp16 for
            one in fp16 or fp32. transformers computes in fp32 on a CPU: to get its answers there, say "float32".
        enforce_eager: Whether the model runs as it is written, without being compiled first: the first answer comes sooner,
            the last one later.
        deterministic: Whether an answer may not depend on what else is in its batch (VLLM_BATCH_INVARIANT=1), which costs speed.
            On NVIDIA's GPUs it needs compute capability 8.0 (A100, A800) or more.

    Raises:
        UserError: vLLM is not installed, the model cannot be loaded, a value is none of those, or this machine's GPUs (or its
            lack of them) rule out `deterministic`.
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
        dtype: Literal["auto", "bfloat16", "float16", "float32"] = "bfloat16",
        enforce_eager: bool = False,
        deterministic: bool = False,
    ) -> None:
        require(f"{model} in vLLM", "vllm")
        if dtype not in DTYPES:
            raise UserError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")  # what is evaluated here is nobody else's matter
        if deterministic:
            os.environ[_INVARIANT] = "1"  # vLLM's processes read it when they import vLLM
        try:
            import vllm
        except ImportError as error:  # installed, and it does not run on this machine
            raise UserError(f"vLLM cannot be imported: {error}") from None
        if os.environ.get(_INVARIANT, "0") not in ("", "0"):
            check_invariant(_platform())
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
                dtype=dtype,
                enforce_eager=enforce_eager,
                load_format="safetensors",
                tensor_parallel_size=gpus,
                max_model_len=max_model_len,
                limit_mm_per_prompt={"image": 1},
                seed=sampling.seed,
            )
        except (OSError, ValueError, RuntimeError) as error:  # of an engine's process that ended: RuntimeError
            raise UserError(f"vLLM cannot load {model}: {' '.join(str(error).split())}") from None
        self.context = int(self.llm.llm_engine.model_config.max_model_len)
        self._grid = _grid(self.llm.llm_engine.model_config.hf_config)

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Responses with the index of their request, `batch_size` at a time.

        Raises:
            UserError: vLLM refuses a prompt, for example because it is too long, or its engine ended.
        """
        from vllm import SamplingParams
        from vllm.v1.engine.exceptions import EngineDeadError

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
            except EngineDeadError:
                raise UserError(
                    f"vLLM's engine ended while it answered {len(some)} prompts; why is said above, by vLLM itself. Answers of "
                    "earlier prompts are kept: when the cause is gone, run the same command again"
                ) from None
            for i, output in enumerate(outputs):
                (completion,) = output.outputs
                prompt_tokens = None if output.prompt_token_ids is None else len(output.prompt_token_ids)
                yield (
                    begin + i,
                    Response(completion.text, prompt_tokens, len(completion.token_ids), completion.finish_reason),
                )

    @classmethod
    def told(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """The kind of numbers, if it is not bf16: how requests are spread over batches and GPUs changes no more than rounding."""
        dtype = options.get("dtype", "bfloat16")
        return {} if dtype == "bfloat16" else {"dtype": dtype}

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        """The weights, and what may round in another way: vLLM's version, where it cuts an answer, its way to batch."""
        weights = checkpoint_fingerprint(spec.model, whole=whole, quantised=True)
        options = spec.options
        how = f"{cls.versions()['vllm']} {options.get('max_model_len')} {options.get('deterministic', False)}"
        dtype = options.get("dtype", "bfloat16")
        return f"{spec.backend} {'bf16' if dtype == 'bfloat16' else dtype} {how} {weights}"

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


def _platform() -> Any:
    """What vLLM knows of the machine."""
    from vllm.platforms import current_platform

    return current_platform


def check_invariant(platform: Any) -> None:
    """Refuse answers that do not depend on the batch where vLLM has no kernels for them.

    vLLM looks at nothing itself: on a CPU its engine ends at the first prompt.

    Args:
        platform: `vllm.platforms.current_platform`.

    Raises:
        UserError: There is no GPU, or one of NVIDIA's that is too old.
    """
    least = ".".join(map(str, INVARIANT_SINCE))
    needs = f"--deterministic (VLLM_BATCH_INVARIANT) needs a GPU, of NVIDIA's one of compute capability {least} or more"
    if platform.is_cpu():
        raise UserError(f"{needs}, and vLLM runs on the CPU here: leave it out")
    if not platform.is_cuda():
        return  # AMD's and Intel's have no such number
    found = platform.get_device_capability()
    if found is None:
        print(f"warning: {needs}, and this one's is not known", file=sys.stderr, flush=True)
    elif (found.major, found.minor) < INVARIANT_SINCE:
        raise UserError(f"{needs}, and this one's is {found.major}.{found.minor}: leave it out")
