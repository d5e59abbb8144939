"""Who answers prompts: a checkpoint in transformers or vLLM, or any OpenAI-compatible endpoint."""

from ._hf import HFBackend, check_complete
from ._openai import OPENAI_URL, OpenAIBackend
from ._pace import BudgetSpent, Clock
from ._request import Backend, Request, Response, Sampling, chat_messages, seed_of
from ._vllm import VLLMBackend

__all__ = [
    "OPENAI_URL",
    "Backend",
    "BudgetSpent",
    "Clock",
    "HFBackend",
    "OpenAIBackend",
    "Request",
    "Response",
    "Sampling",
    "VLLMBackend",
    "chat_messages",
    "check_complete",
    "seed_of",
]
