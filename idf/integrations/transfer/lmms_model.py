"""A model of lmms-eval that answers as `--backend hf` does: any family that transformers loads, several pictures, no videos.

lmms-eval 0.7.3 has a class `huggingface` for this, which does not work with transformers 5 (it looks families up by name in a
table of classes, and passes `audios`); its classes of families need decord even where no video is shown.
"""

from __future__ import annotations

import math
from typing import Any

from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.protocol import ChatMessages
from PIL import Image

from idf.backends import HFBackend, Sampling
from idf.errors import UserError

MAX_PIXELS = 1_605_632
"""Larger pictures are made smaller, as by lmms-eval's class for Qwen2.5-VL."""
MAX_NEW_TOKENS = 4096
"""Where a task does not say how long a response may be."""


class TransformersModel(lmms):
    """A checkpoint in transformers, one prompt at a time.

    Args:
        pretrained: A folder, a folder of adapters, or a hub name.
        max_pixels: Largest picture.

    Raises:
        UserError: It cannot be loaded.
    """

    is_simple = False

    def __init__(self, pretrained: str, max_pixels: int = MAX_PIXELS) -> None:
        super().__init__()
        self.backend = HFBackend(pretrained, sampling=Sampling(1))
        self.max_pixels = max_pixels

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Not for a model that generates.

        Raises:
            UserError: Always.
        """
        raise UserError("tasks that compare likelihoods are not asked: idf generates")

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Not yet.

        Raises:
            UserError: Always.
        """
        raise UserError("tasks of several rounds are not asked: idf generates one response")

    def generate_until(self, requests: list[Instance]) -> list[GenerationResult]:
        """The responses, in the order of the requests."""
        from tqdm import tqdm

        return [self._answer(*request.args) for request in tqdm(requests, desc="idf")]

    def _answer(
        self, _text: str, to_messages: Any, told: dict[str, Any], number: int, task: str, split: str
    ) -> GenerationResult:
        import torch

        messages = ChatMessages(messages=to_messages(self.task_dict[task][split][number]))
        pictures, videos, sounds = messages.extract_media()
        if videos or sounds:
            raise UserError("shows videos or sounds, which --model idf does not; a class of lmms-eval may (--model)")
        model, processor = self.backend.model, self.backend.processor
        prompt = processor.apply_chat_template(messages.to_hf_messages(), tokenize=False, add_generation_prompt=True)
        shown = {"images": [[self._smaller(picture) for picture in pictures]]} if pictures else {}
        inputs = processor(text=[prompt], return_tensors="pt", **shown).to(self.backend.device, model.dtype)
        draws = (told.get("temperature") or 0) > 0
        with torch.inference_mode():
            ids = model.generate(
                **inputs,
                max_new_tokens=told.get("max_new_tokens") or MAX_NEW_TOKENS,
                do_sample=draws,
                temperature=told["temperature"] if draws else None,
                top_p=told.get("top_p") if draws else None,
                top_k=None,
                num_beams=told.get("num_beams") or 1,
            )[0, inputs["input_ids"].shape[1] :]
        text = processor.tokenizer.decode(ids, skip_special_tokens=True)
        until = told.get("until") or []
        for end in [until] if isinstance(until, str) else until:
            if end and end != "\n\n":  # lmms-eval's default, at which its classes do not stop either
                text = text.split(end)[0]
        return GenerationResult(text, TokenCounts(input_tokens=inputs["input_ids"].shape[1], output_tokens=len(ids)))

    def _smaller(self, picture: Image.Image) -> Image.Image:
        picture = picture.convert("RGB")
        scale = math.sqrt(self.max_pixels / (picture.width * picture.height))
        if scale >= 1:
            return picture
        return picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
