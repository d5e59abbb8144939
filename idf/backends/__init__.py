"""Who answers prompts: a checkpoint in transformers or vLLM, any OpenAI-compatible endpoint, or a backend of another package."""

from ._adapters import merge_adapters
from ._answered import answered
from ._backend import Backend, NoOptions, most_tokens
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
from ._ends import reason_of, unknown_ends
from ._fingerprint import adapter_base, weights_fingerprint
from ._hf import HFBackend, check_complete, is_hub_name
from ._journal import Journal, read_replies, tokens_spent
from ._noted import SERVERS_OWN, left_out, notes_on, sampling_facts, without_answer
from ._openai import OPENAI_URL, OpenAIBackend
from ._pace import BudgetSpent, Clock
from ._registry import (
    OURS,
    backend_class,
    backend_names,
    check_model_spec,
    fingerprint_of,
    open_backend,
    options_of,
    require_backend,
    with_options,
)
from ._reply import read_completion
from ._request import ModelSpec, Request, Response, Sampling, chat_messages, seed_of
from ._vllm import VLLMBackend

__all__ = [
    "OPENAI_URL",
    "OURS",
    "SERVERS_OWN",
    "Backend",
    "BudgetSpent",
    "Clock",
    "HFBackend",
    "Journal",
    "ModelSpec",
    "NoOptions",
    "OpenAIBackend",
    "Request",
    "Response",
    "Sampling",
    "VLLMBackend",
    "adapter_base",
    "answered",
    "backend_class",
    "backend_names",
    "chat_messages",
    "check_base",
    "check_complete",
    "check_loaded",
    "check_model_spec",
    "fingerprint_of",
    "is_hub_name",
    "left_out",
    "merge_adapters",
    "most_tokens",
    "notes_on",
    "open_backend",
    "options_of",
    "own_head",
    "read_completion",
    "read_replies",
    "reason_of",
    "require_backend",
    "sampling_facts",
    "seed_of",
    "share_weights",
    "tensor_headers",
    "tokens_spent",
    "unknown_ends",
    "unsharded",
    "untie_if_head_differs",
    "weights_fingerprint",
    "with_options",
    "without_answer",
    "without_weights",
]
