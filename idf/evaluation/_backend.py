"""The transformers backend: batched greedy generation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idf.errors import UserError


@dataclass(frozen=True)
class Request:
    """One prompt.

    Attributes:
        messages: The conversation so far, in the form of `Sample.messages`.
        picture: (height, width, 3) RGB, or None.
    """

    messages: list[dict[str, Any]]
    picture: np.ndarray | None


@dataclass(frozen=True)
class Response:
    """What came back.

    Attributes:
        text: The generated text, without special tokens.
        prompt_tokens: Length of the prompt, vision tokens included; None if unknown.
        completion_tokens: Generated tokens, counted from ids, the end token included; None if unknown.
        finish_reason: "stop" or "length"; None if unknown.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None


class HFBackend:
    """A checkpoint in transformers, on a GPU if there is one.

    Args:
        checkpoint: A complete Hugging Face folder, or a hub name.
        max_new_tokens: Longest response.
        batch_size: Prompts generated at once.
        device: "cuda", "cuda:1", "cpu"; None to choose.

    Raises:
        UserError: The folder is missing or incomplete.
    """

    def __init__(self, checkpoint: str, *, max_new_tokens: int, batch_size: int, device: str | None = None) -> None:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForImageTextToText, AutoProcessor

        folder = Path(checkpoint)
        if folder.is_dir():
            check_complete(folder)
        elif checkpoint.count("/") != 1 or checkpoint.startswith((".", "/", "checkpoints/")):
            raise UserError(f"no checkpoint in {checkpoint}")
        self.max_new_tokens = max_new_tokens
        self.batch_size = batch_size
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if self.device.startswith("cuda") else torch.float32
        try:
            self.processor = AutoProcessor.from_pretrained(checkpoint)
            self.model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=dtype, use_safetensors=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise UserError(f"cannot load {checkpoint}: {str(error).strip().splitlines()[0]}") from None
        self.model.to(self.device).eval()
        # Generation appends to the right, so prompts of a batch must be padded on the left.
        self.processor.tokenizer.padding_side = "left"

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Responses with the index of their request, batch by batch; long prompts first, to fail early if at all."""
        texts = [self.render(request) for request in requests]
        order = sorted(range(len(requests)), key=lambda i: -len(texts[i]))
        for begin in range(0, len(order), self.batch_size):
            some = order[begin : begin + self.batch_size]
            yield from zip(
                some, self._batch([texts[i] for i in some], [requests[i].picture for i in some]), strict=True
            )

    def render(self, request: Request) -> str:
        """The prompt as text, special tokens included."""
        return str(self.processor.apply_chat_template(request.messages, tokenize=False, add_generation_prompt=True))

    def _batch(self, texts: list[str], pictures: list[np.ndarray | None]) -> list[Response]:
        import torch

        shown = [picture for picture in pictures if picture is not None]
        inputs = self.processor(
            text=texts,
            images=shown or None,
            padding=True,
            return_tensors="pt",
            **({"do_resize": False} if shown else {}),
        ).to(self.device)
        mask = inputs["attention_mask"]
        if not bool(mask[:, -1].all()):
            raise RuntimeError("prompts are not padded on the left")
        with torch.inference_mode():
            out = self.model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=None,
            )
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        responses = []
        for ids, prompt_tokens in zip(out[:, mask.shape[1] :].tolist(), mask.sum(1).tolist(), strict=True):
            stop = next((i for i, token in enumerate(ids) if token in ends), None)
            spoken = ids if stop is None else ids[: stop + 1]
            text = self.processor.tokenizer.decode(spoken, skip_special_tokens=True)
            responses.append(Response(text, prompt_tokens, len(spoken), "length" if stop is None else "stop"))
        return responses


def check_complete(folder: Path) -> None:
    """Refuse a checkpoint folder that lacks a part, naming it.

    Raises:
        UserError: A part is missing.
    """
    parts = {
        "a config (config.json)": ["config.json"],
        "weights (model.safetensors)": ["model.safetensors", "model.safetensors.index.json"],
        "a processor (preprocessor_config.json or processor_config.json)": [
            "preprocessor_config.json",
            "processor_config.json",
        ],
        "a tokenizer (tokenizer.json)": ["tokenizer.json", "vocab.json"],
    }
    for part, names in parts.items():
        if not any((folder / name).exists() for name in names):
            raise UserError(f"the checkpoint {folder} holds no {part.removeprefix('a ')}: is the folder complete?")
