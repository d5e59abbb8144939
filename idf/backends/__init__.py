"""Who answers prompts: a checkpoint in transformers or vLLM, or any OpenAI-compatible endpoint."""

from ._fingerprint import adapter_base, weights_fingerprint
from ._hf import HFBackend, check_complete
from ._journal import Journal, read_replies, tokens_spent
from ._openai import OPENAI_URL, OpenAIBackend, prompt_tokens
from ._pace import BudgetSpent, Clock
from ._request import Backend, Request, Response, Sampling, chat_messages, seed_of
from ._vllm import VLLMBackend

__all__ = [
    "OPENAI_URL",
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
    "chat_messages",
    "check_complete",
    "prompt_tokens",
    "read_replies",
    "seed_of",
    "tokens_spent",
    "weights_fingerprint",
]
