"""What is asked and what comes back: the words that all backends share."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from idf.drawing import encode_png
from idf.errors import UserError

LEAST_TEMPERATURE = 1e-6  # logits divided by less overflow, and what comes out is no text of the model


@dataclass(frozen=True)
class Request:
    """One prompt.

    Attributes:
        messages: The conversation so far, in the form of `Sample.messages`.
        picture: (height, width, 3) RGB, or None.
        sample: Which of several samples of the same prompt this is; each is drawn with a seed of its own.
    """

    messages: list[dict[str, Any]]
    picture: np.ndarray | None
    sample: int = 0


@dataclass(frozen=True)
class Response:
    """What came back.

    Attributes:
        text: The generated text, without special tokens.
        prompt_tokens: Length of the prompt, vision tokens included; None if unknown.
        completion_tokens: Generated tokens, counted from ids, the end token included; None if unknown.
        finish_reason: "stop" or "length"; "error" if no answer could be had; None if unknown. An endpoint may have said nothing
            but a thought ("thought_only"), a tool call ("tool_calls") or that it refuses ("refusal"; its words are the text),
            or its words may have been withheld ("content_filter").
        error: Why there is no answer; None if there is one.
        left_out: Keys of the request that the endpoint refuses and that were therefore not sent, separated by commas.
        seconds: How long the answer took, where that was measured, as of a person; None if it was not.
    """

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None
    left_out: str | None = None
    seconds: float | None = None

    @property
    def tokens(self) -> int:
        """Prompt and completion together, as far as they are known."""
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        max_new_tokens: Longest response.
        temperature: 0 always takes the likeliest token; None leaves the choice of tokens to the endpoint.
        top_p: Only the likeliest tokens that together have this probability; above 0, at most 1.
        seed: Another seed draws other responses.

    Raises:
        UserError: A value is out of its range.
    """

    max_new_tokens: int
    temperature: float | None = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise UserError(f"max_new_tokens must be at least 1, not {self.max_new_tokens}")
        if not (self.temperature is None or self.temperature == 0 or LEAST_TEMPERATURE <= self.temperature < inf):
            raise UserError(
                f"temperature must be 0 (the likeliest token), or at least {LEAST_TEMPERATURE:g}, not {self.temperature:g}"
            )
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p must be above 0 and at most 1, not {self.top_p}")

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn at a temperature that we choose: then seeds mean something."""
        return self.temperature is not None and self.temperature > 0


@dataclass(frozen=True)
class ModelSpec:
    """A model to ask: for idf-eval, a teacher or the parser.

    Attributes:
        backend: The name of its backend.
        model: A folder, a hub name, or the model's name at an endpoint.
        sampling: How tokens are chosen.
        options: What else its backend is told: the fields of `Backend.Options`.
    """

    backend: str
    model: str
    sampling: Sampling
    options: Mapping[str, Any] = field(default_factory=dict)


def seed_of(sampling: Sampling, request: Request) -> int:
    """The seed of one request, from the seed of the sampling, the prompt and the number of the sample.

    Requests under one common seed would draw from the same random numbers: all would begin alike.

    Returns:
        31 bits, which every server takes.
    """
    key = json.dumps([sampling.seed, request.sample, request.messages], sort_keys=True)
    digest = hashlib.blake2b(key.encode(), digest_size=8)
    if request.picture is not None:
        digest.update(str(request.picture.shape).encode())
        digest.update(np.ascontiguousarray(request.picture).data)
    return int.from_bytes(digest.digest(), "big") >> 33


def size_of(request: Request) -> tuple[int, int] | None:
    """Width and height of a request's picture in pixels; None if there is none."""
    return None if request.picture is None else (request.picture.shape[1], request.picture.shape[0])


def chat_messages(request: Request) -> list[dict[str, Any]]:
    """The messages of a request in the form of the OpenAI protocol, with the picture inside as a PNG.

    Raises:
        ValueError: The messages do not show the picture exactly once, or show one that is not there.
    """
    shown = sum(part["type"] == "image" for message in request.messages for part in message["content"])
    if shown != (request.picture is not None):
        raise ValueError(f"the messages show {shown} pictures, and {int(request.picture is not None)} is given")
    url = ""
    if request.picture is not None:
        url = f"data:image/png;base64,{base64.b64encode(encode_png(request.picture)).decode()}"
    return [
        {
            "role": message["role"],
            "content": [
                {"type": "image_url", "image_url": {"url": url}}
                if part["type"] == "image"
                else {"type": "text", "text": part["text"]}
                for part in message["content"]
            ],
        }
        for message in request.messages
    ]
