"""What the replies of an endpoint show about it: said in sentences, and recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ._dialect import CHOOSES_TOKENS
from ._request import Response, Sampling

SERVERS_OWN = "the server's"
"""How tokens were chosen, where the server chose: nobody but the server knows."""


NO_ANSWER = {
    "thought_only": "were only thought",
    "tool_calls": "were only a tool call",
    "content_filter": "were withheld by a filter",
    "refusal": "were refused",
}
"""finish_reason of a reply that holds no answer -> what is said of such replies."""
NO_ANSWER_WARNING = 0.02  # a share above this is said loudly


def without_answer(responses: Sequence[Response]) -> dict[str, int]:
    """How many replies hold no answer, by their finish_reason; kinds of which there are none are left out."""
    counts = Counter(response.finish_reason for response in responses)
    return {kind: counts[kind] for kind in NO_ANSWER if counts[kind]}


def left_out(responses: Sequence[Response]) -> list[str]:
    """The keys that were not sent with some of the responses, since the server refuses them."""
    return sorted({key for response in responses if response.left_out for key in response.left_out.split(", ")})


def sampling_facts(sampling: Sampling, without: Sequence[str]) -> dict[str, object]:
    """How tokens were chosen, for a record; what the server refuses was not obeyed and is null.

    Args:
        sampling: What was asked for.
        without: Keys that the server refuses.
    """
    asked: dict[str, object] = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
    how = "greedy" if sampling.temperature == 0 else f"temperature {sampling.temperature or 0:g}"
    if sampling.temperature is None or set(without) & set(CHOOSES_TOKENS):
        how = SERVERS_OWN
    facts = {"sampling": how} | {key: None if key in without else value for key, value in asked.items()}
    return facts | ({"left_out": list(without)} if without else {})


def notes_on(responses: Sequence[Response]) -> list[str]:
    """Sentences on what the replies show."""
    said = []
    if keys := left_out(responses):
        own = f": sampling is {SERVERS_OWN}" if set(keys) & set(CHOOSES_TOKENS) else ""
        said.append(f"the server refuses {', '.join(keys)}, which was left out{own}")
    for kind, n in without_answer(responses).items():
        if n > NO_ANSWER_WARNING * len(responses):
            said.append(
                f"warning: {n} of {len(responses)} replies ({n / len(responses):.1%}) {NO_ANSWER[kind]} ({kind})"
            )
    return said
