"""Who answers prompts: a checkpoint in transformers or vLLM, or any OpenAI-compatible endpoint."""

from ._adapters import merge_adapters
from ._base import (
    check_base,
    check_loaded,
    own_head,
    share_weights,
    tensor_headers,
    unsharded,
    untie_if_head_differs,
    without_weights,
)
from ._fingerprint import adapter_base, weights_fingerprint
from ._hf import HFBackend, check_complete, is_hub_name
from ._journal import Journal, read_replies, tokens_spent
from ._noted import (
    SERVERS_OWN,
    left_out,
    notes_on,
    sampling_facts,
    server_facts,
    server_note,
    without_answer,
)
from ._openai import OPENAI_URL, OpenAIBackend, asked_with, prompt_tokens
from ._pace import BudgetSpent, Clock
from ._request import Backend, Request, Response, Sampling, chat_messages, seed_of
from ._vllm import VLLMBackend

__all__ = [
    "OPENAI_URL",
    "SERVERS_OWN",
    "Backend",
    "BudgetSpent",
    "Clock",
    "HFBackend",
    "Journal",
    "OpenAIBackend",
    "Request",
    "Response",
    "Sampling",
    "VLLMBackend",
    "adapter_base",
    "asked_with",
    "chat_messages",
    "check_base",
    "check_complete",
    "check_loaded",
    "is_hub_name",
    "left_out",
    "merge_adapters",
    "notes_on",
    "own_head",
    "prompt_tokens",
    "read_replies",
    "sampling_facts",
    "seed_of",
    "server_facts",
    "server_note",
    "share_weights",
    "tensor_headers",
    "tokens_spent",
    "unsharded",
    "untie_if_head_differs",
    "weights_fingerprint",
    "without_answer",
    "without_weights",
]
