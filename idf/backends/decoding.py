"""Token by token: a row leaves its batch when its response has ended, and a new token copies no cache.

transformers' own loop keeps every row until the longest response of the batch ends, and its cache is written anew for each
token. `decode` takes the place of that loop (`model.generate(custom_generate=...)`), so `generate` still prepares positions,
mask, cache, pictures, logits processors and stopping criteria as for any other model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

from idf.errors import UserError

BLOCK = 128
"""A cache grows by so many tokens at once."""
SHARE_ENDED = 1 / 8
"""Rows leave when they are this share of the batch: taking them out copies the keys and values of all others."""
_OF_ROWS = ("token_type_ids", "mm_token_type_ids", "moe_mm_token_type_ids")  # (rows, tokens), 0 for what is generated
_OF_PICTURES = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")  # read with the prompt alone
_KNOWN = {"input_ids", "attention_mask", "position_ids", *_OF_ROWS, *_OF_PICTURES}

Choose = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]
"""Next tokens (rows,) from their scores (rows, vocabulary) and the indices of their prompts."""


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer, with room for tokens to come.

    Args:
        most: Tokens of the longest row when all is said.

    Attributes:
        keys, values: (rows, heads, tokens, width), views of what is allocated.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self.keys = self._keys = key_states[:, :, :0]
        self.values = self._values = value_states[:, :, :0]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add new tokens; returns keys and values of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        begin = self.keys.shape[2]
        end = begin + key_states.shape[2]
        if end > self._keys.shape[2]:
            room = max(end, min(end + BLOCK, self.most))
            self._keys, self._values = _roomier(self.keys, room), _roomier(self.values, room)
        self._keys[:, :, begin:end] = key_states
        self._values[:, :, begin:end] = value_states
        self.keys, self.values = self._keys[:, :, :end], self._values[:, :, :end]
        return self.keys, self.values

    def keep(self, rows: torch.Tensor, begin: int) -> None:
        """Drop all other rows, and the tokens before `begin`."""
        tokens = self.keys.shape[2] - begin
        self._keys = self._keys[:, :, begin:].index_select(0, rows)
        self._values = self._values[:, :, begin:].index_select(0, rows)
        self.keys, self.values = self._keys[:, :, :tokens], self._values[:, :, :tokens]
        self.most -= begin


def _roomier(filled: torch.Tensor, tokens: int) -> torch.Tensor:
    room = filled.new_empty(*filled.shape[:2], tokens, filled.shape[3])
    room[:, :, : filled.shape[2]] = filled
    return room


class Batch:
    """The rows that still generate, and what the model is told of them.

    Args:
        model: A Hugging Face model.
        ids: (rows, tokens) prompts, padded on the left.
        most: Tokens of the longest row when all is said.
        prepared: What `generate` prepared for the model.

    Attributes:
        ids: (rows, tokens) prompts and what was generated; rows that ended may still be among them.
        prompts: For each row, the index of its prompt.

    Raises:
        UserError: The model does not fit this loop.
    """

    def __init__(self, model: Any, ids: torch.Tensor, most: int, prepared: dict[str, Any]) -> None:
        self.model = model
        self.ids = ids
        self.prompts = list(range(len(ids)))
        self._told = dict(prepared)
        caches = [value for value in prepared.values() if isinstance(value, Cache)]
        if len(caches) != 1 or model.config.is_encoder_decoder:
            raise UserError(
                f"{type(model).__name__} cannot be asked in transformers by idf, which needs a decoder with a cache of keys and "
                "values: serve it, and use --backend openai"
            )
        (self._cache,) = caches
        self._cache.layers = [
            GrowingLayer(most) if type(layer) is DynamicLayer else layer for layer in self._cache.layers
        ]
        positions, mask = prepared.get("position_ids"), prepared.get("attention_mask")
        self._positions = None if positions is None else positions[..., -1:]
        self._mask = None if mask is None else torch.cat([mask, mask.new_ones(len(ids), most - ids.shape[1])], 1)
        # Padding can go if each layer keeps all tokens, and positions are not counted from the cache.
        growing = [type(layer) is GrowingLayer for layer in self._cache.layers]
        self._trims = positions is not None and bool(growing) and all(growing)
        self._cut = 0

    def read(self) -> torch.Tensor:
        """Read the prompts; returns the scores (rows, vocabulary) of their first tokens."""
        inputs = self.model.prepare_inputs_for_generation(self.ids, is_first_iteration=True, **self._told)
        for name in _OF_ROWS:
            if self._told.get(name) is not None:
                self._told[name] = torch.zeros_like(self._told[name][:, -1:])
        return self._scores(inputs)

    def add(self, tokens: torch.Tensor) -> None:
        """Append a generated token (rows,) to each row."""
        self.ids = torch.cat([self.ids, tokens[:, None]], 1)
        if self._positions is not None:
            self._told["position_ids"] = self._positions = self._positions + 1

    def step(self) -> torch.Tensor:
        """Read the last token of each row; returns the scores (rows, vocabulary) of the next."""
        self._told["attention_mask"] = None if self._mask is None else self._mask[:, : self.ids.shape[1] - self._cut]
        inputs = self.model.prepare_inputs_for_generation(self.ids, next_sequence_length=1, **self._told)
        for name, value in inputs.items():
            if isinstance(value, torch.Tensor) and name not in _KNOWN:
                raise UserError(
                    f"{type(self.model).__name__} cannot be asked in transformers by idf, which does not know what its input "
                    f"{name} says of which prompt: serve it, and use --backend openai"
                )
        return self._scores(inputs)

    def _scores(self, inputs: dict[str, Any]) -> torch.Tensor:
        scores: torch.Tensor = self.model(**inputs, return_dict=True).logits
        return scores[:, -1].float()

    def keep(self, kept: Sequence[int]) -> None:
        """Drop all rows but those of these indices, and padding that all of them have."""
        rows = torch.tensor(kept, device=self.ids.device)
        self.prompts = [self.prompts[i] for i in kept]
        self.ids = self.ids[rows]
        if self._positions is not None and self._positions.shape[-2] > 1:
            self._told["position_ids"] = self._positions = self._positions.index_select(-2, rows)
        begin = 0
        if self._mask is not None:
            self._mask = self._mask[rows]
            if self._trims:
                begin = int(self._mask.argmax(1).min())
                self._cut += begin
                self._mask = self._mask[:, begin:]
            if bool(self._mask.all()):
                self._mask = None
        for name in _OF_ROWS:
            if self._told.get(name) is not None:
                self._told[name] = self._told[name][rows]
        for layer in self._cache.layers:
            if type(layer) is GrowingLayer:
                layer.keep(rows, begin)
            else:
                layer.reorder_cache(rows)


def decode(
    model: Any,
    input_ids: torch.Tensor,
    logits_processor: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    stopping_criteria: Callable[[torch.Tensor, Any], torch.Tensor],
    generation_config: Any,
    choose: Choose,
    **prepared: Any,
) -> list[list[int]]:
    """Generate until every row has ended.

    Args:
        model: A Hugging Face model.
        input_ids: (rows, tokens) prompts, padded on the left.
        logits_processor: What the checkpoint's generation config asks for.
        stopping_criteria: Says of each row whether its response has ended.
        generation_config: With `max_length`, in tokens, prompt and padding included.
        choose: Chooses the next tokens.
        prepared: What `generate` prepared for the model.

    Returns:
        The generated tokens of each row, the one that ended it included.

    Raises:
        UserError: The model does not fit this loop.
    """
    batch = Batch(model, input_ids, generation_config.max_length, prepared)
    said: list[list[int]] = [[] for _ in batch.prompts]
    going = set(batch.prompts)
    scores = batch.read()
    while True:
        tokens = choose(logits_processor(batch.ids, scores), batch.prompts)
        batch.add(tokens)
        ended = stopping_criteria(batch.ids, None)
        for prompt, token, ends in zip(batch.prompts, tokens.tolist(), ended.tolist(), strict=True):
            if prompt in going:
                said[prompt].append(token)
                if ends:
                    going.remove(prompt)
        if not going:
            return said
        if len(going) <= (1 - SHARE_ENDED) * len(batch.prompts):
            batch.keep([row for row, prompt in enumerate(batch.prompts) if prompt in going])
        scores = batch.step()
