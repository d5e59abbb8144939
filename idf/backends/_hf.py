"""The transformers backend: batched generation, greedy or sampled."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from idf.drawing import on_grid, size_on_grid
from idf.errors import UserError
from idf.extras import require
from idf.gpus import unused_gpus
from idf.recipe import key

from ._adapters import merge_adapters
from ._base import check_base, check_loaded, untie_if_head_differs
from ._batch import LOOK_AHEAD, MOST_TOGETHER, Memory
from ._checkpoint import CheckpointBackend, checkpoint_fingerprint
from ._fingerprint import adapter_base
from ._request import ModelSpec, Request, Response, Sampling, seed_of, size_of

if TYPE_CHECKING:
    from .decoding import Choose


OWN_SIZE = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Families that see a picture at its own size, which idf trains; any other resizes and cuts it by its own processor."""


@dataclass(frozen=True)
class HFOptions:
    """What a user may choose of transformers.

    Attributes:
        batch_size: Prompts generated at once; None for as many as memory holds.
        device: "cuda", "cuda:1", "cpu"; None to choose.
    """

    batch_size: int | None = key(
        None, least=1, help="prompts generated at once (default: as many as memory holds at their lengths)"
    )
    device: str | None = key(None, help="cpu, cuda or cuda:N (default: a GPU if there is one)")


class HFBackend(CheckpointBackend):
    """A checkpoint in transformers, on a GPU if there is one.

    Args:
        model: A complete Hugging Face folder, a folder of adapters (peft), or a hub name.
        sampling: How tokens are chosen. Each response has random numbers of its own, so it does not depend on what else is in
            its batch (up to rounding).
        batch_size: Prompts generated at once; None for as many as memory holds (`_batch.py`).
        device: "cuda", "cuda:1", "cpu"; None to choose.
        loaded: Model and processor of that name, if they are in memory already.

    Raises:
        UserError: The extra hf is not installed, the folder is missing or incomplete, or a value is out of its range.
    """

    Options = HFOptions
    extra = "hf"
    libraries = ("torch", "transformers", "peft")

    def __init__(
        self,
        model: str,
        *,
        sampling: Sampling,
        batch_size: int | None = None,
        device: str | None = None,
        loaded: tuple[Any, Any] | None = None,
    ) -> None:
        require(f"{model} in transformers", "hf")
        import torch

        self.name = f"hf:{model}"
        self.sampling = sampling
        self.batch_size = batch_size
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if device is None and self.device == "cpu" and (why := unused_gpus()):
            print(f"the GPUs of this machine are not used, the CPU answers: {why}", file=sys.stderr, flush=True)
        dtype = torch.bfloat16 if self.device.startswith("cuda") else torch.float32
        self.model, self.processor = _load(model, dtype) if loaded is None else loaded
        self.model.to(self.device).eval()
        self._memory = Memory(self.model, self.device)
        self._own_size = self.model.config.model_type in OWN_SIZE
        self._added: dict[tuple[int, int], int] = {}  # tokens by the size of a picture, for the other families
        self.context = int(self.model.config.get_text_config().max_position_embeddings)
        # Generation appends to the right, so prompts of a batch must be padded on the left.
        self.processor.tokenizer.padding_side = "left"

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Responses with the index of their request, batch by batch; long prompts first, to fail early if at all."""
        # Pictures are large: look at the requests of some batches at a time.
        step = LOOK_AHEAD * (self.batch_size or MOST_TOGETHER)
        for begin in range(0, len(requests), step):
            some = [requests[i] for i in range(begin, min(begin + step, len(requests)))]
            lengths = [self.count(request.messages, size_of(request))[0] for request in some]
            for batch in self.batches(lengths):
                responses = self._batch([some[i] for i in batch])
                yield from zip([begin + i for i in batch], responses, strict=True)

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """As `Backend.batches`: prompts of like lengths together, the longest first, as many as memory holds."""
        order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
        found: list[list[int]] = []
        at = 0
        while at < len(order):
            n = self.batch_size or self._memory.prompts(lengths[order[at]], self.sampling.max_new_tokens)
            found.append(order[at : at + n])
            at += n
        return found

    def render(self, request: Request) -> str:
        """The prompt as text, special tokens included."""
        return str(self.processor.apply_chat_template(request.messages, tokenize=False, add_generation_prompt=True))

    def count(self, messages: list[dict[str, Any]], size: tuple[int, int] | None) -> tuple[int, bool]:
        """As `Backend.count`, exactly."""
        text = str(self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        tokens = len(self.processor.tokenizer(text).input_ids)
        if size is None:
            return tokens, True
        if not self._own_size:
            return tokens + self._picture_tokens(text, size), True
        width, height = size_on_grid(size, self._grid)
        tokens += (width // self._grid) * (height // self._grid) - 1  # one stands for the picture in the text
        return tokens, True

    def _picture_tokens(self, text: str, size: tuple[int, int]) -> int:
        """What a picture of this size adds to the tokens of a rendered prompt, by its processor, asked once for each size."""
        if size not in self._added:
            blank = np.full((size[1], size[0], 3), 255, np.uint8)
            whole = self.processor(text=[text], images=[[blank]], return_tensors="pt")["input_ids"].shape[1]
            self._added[size] = int(whole) - len(self.processor.tokenizer(text).input_ids)
        return self._added[size]

    def facts(self) -> dict[str, Any]:
        """The device."""
        return {"device": self.device}

    @classmethod
    def told(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing: a batch or a device changes no more than rounding."""
        return {}

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        """The weights, and the precision in which they are computed."""
        import torch

        weights = checkpoint_fingerprint(spec.model, whole=whole)
        return f"{spec.backend} {'bf16' if torch.cuda.is_available() else 'fp32'} {weights}"

    @property
    def _grid(self) -> int:
        """Side in pixels of what becomes one vision token."""
        cells = self.processor.image_processor
        return int(cells.patch_size * cells.merge_size)

    def _pictures(self, requests: Sequence[Request]) -> dict[str, Any]:
        """What the processor is told of pictures: each as it is, or for other families a list for each prompt, to resize."""
        shown = [request.picture for request in requests if request.picture is not None]
        if not shown:
            return {}
        if not self._own_size:
            return {"images": [[] if request.picture is None else [request.picture] for request in requests]}
        return {"images": [on_grid(picture, self._grid) for picture in shown], "do_resize": False}

    def _batch(self, requests: list[Request]) -> list[Response]:
        import torch

        from .decoding import decode

        texts = [self.render(request) for request in requests]
        inputs = self.processor(text=texts, padding=True, return_tensors="pt", **self._pictures(requests))
        inputs = inputs.to(self.device) if self._own_size else inputs.to(self.device, self.model.dtype)
        mask = inputs["attention_mask"]
        if not bool(mask[:, -1].all()):
            raise RuntimeError("prompts are not padded on the left")
        try:
            with torch.inference_mode():
                said = self.model.generate(
                    **inputs,
                    max_new_tokens=self.sampling.max_new_tokens,
                    custom_generate=partial(decode, choose=self._choice(requests)),
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    repetition_penalty=None,
                )
        except torch.OutOfMemoryError:
            raise UserError(
                f"{self.device} has no room for {len(requests)} prompts of up to {mask.shape[1]:,} tokens at once: set "
                f"--batch-size {max(1, len(requests) // 2)}, or fewer --max-new-tokens"
            ) from None
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        responses = []
        for ids, prompt_tokens in zip(said, mask.sum(1).tolist(), strict=True):
            text = self.processor.tokenizer.decode(ids, skip_special_tokens=True)
            responses.append(Response(text, prompt_tokens, len(ids), "stop" if ids[-1] in ends else "length"))
        return responses

    def _choice(self, requests: list[Request]) -> Choose:
        """How the next tokens are chosen from their scores: the likeliest, or a random draw for each request.

        The largest of scores plus independent Gumbel noise is distributed as the softmax. Unlike `do_sample`, which
        draws a whole batch from one generator, this lets every request have its own.
        """
        import torch
        from transformers import TemperatureLogitsWarper, TopPLogitsWarper

        if not self.sampling.draws:
            return lambda scores, prompts: scores.argmax(1)
        generators = [torch.Generator(self.device).manual_seed(seed_of(self.sampling, request)) for request in requests]
        warpers: list[Any] = [TemperatureLogitsWarper(self.sampling.temperature or 1.0)]
        if self.sampling.top_p < 1:
            warpers.append(TopPLogitsWarper(self.sampling.top_p))

        def draw(scores: torch.Tensor, prompts: Sequence[int]) -> torch.Tensor:
            for warper in warpers:
                scores = warper(None, scores)
            noise = torch.empty_like(scores)
            for row, prompt in zip(noise, prompts, strict=True):
                row.exponential_(generator=generators[prompt])
            return (scores - noise.clamp_min_(torch.finfo(noise.dtype).tiny).log_()).argmax(1)

        return draw


_PROCESSOR = ("preprocessor_config.json", "processor_config.json")


def _load(checkpoint: str, dtype: Any) -> tuple[Any, Any]:
    """Model and processor of a checkpoint.

    Raises:
        UserError: The folder is missing or incomplete, its weights are quantised, or its adapters cannot be merged.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    folder = Path(checkpoint)
    base = adapter_base(folder)
    name, parts = (checkpoint, checkpoint) if base is None else (base, base)
    if base is not None and any((folder / file).exists() for file in _PROCESSOR):
        parts = checkpoint
    if Path(name).is_dir():
        check_complete(Path(name))
    elif base is not None and not is_hub_name(name):
        raise UserError(f"the base model of {folder} is not in {name}: put it there, or correct adapter_config.json")
    elif not is_hub_name(name):
        raise UserError(f"no checkpoint in {checkpoint}")
    check_base(name)
    try:
        processor = AutoProcessor.from_pretrained(parts)
        model, info = AutoModelForImageTextToText.from_pretrained(
            name,
            config=untie_if_head_differs(AutoConfig.from_pretrained(name), name),
            dtype=dtype,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are refused below, in one sentence
            output_loading_info=True,
        )
    except (OSError, ValueError, ImportError, SafetensorError) as error:  # a family may need a package of its own
        raise UserError(f"cannot load {checkpoint}: {str(error).strip().splitlines()[0]}") from None
    check_loaded(info, name)
    if not getattr(processor, "chat_template", None):
        raise UserError(f"the checkpoint {parts} has no chat template (chat_template.jinja): is the folder complete?")
    if base is not None:
        merge_adapters(model, folder, name)
    return model, processor


def is_hub_name(name: str) -> bool:
    """Whether a model's name is one of the hub, OWNER/NAME, and does not look like a folder here."""
    return name.count("/") == 1 and not name.startswith((".", "/", "checkpoints/"))


def check_complete(folder: Path) -> None:
    """Refuse a checkpoint folder that lacks a part, naming it; `check_base` looks at the weights.

    Raises:
        UserError: A part is missing.
    """
    parts = {
        "a config (config.json)": ["config.json"],
        "a processor (preprocessor_config.json or processor_config.json)": [
            *_PROCESSOR,
        ],
        "a tokenizer (tokenizer.json)": ["tokenizer.json", "vocab.json"],
    }
    for part, names in parts.items():
        if not any((folder / name).exists() for name in names):
            raise UserError(f"the checkpoint {folder} holds no {part.removeprefix('a ')}: is the folder complete?")
