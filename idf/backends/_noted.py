"""What the replies of an endpoint show about it: said in sentences, and recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from ._dialect import CHOOSES_TOKENS
from ._ends import unknown_ends
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


def _never_differ(responses: Sequence[Response], prompts: Sequence[Hashable]) -> tuple[int, int] | None:
    """How many prompts have how many samples, if the samples of each are equal; None if any differ, or none has two."""
    texts: dict[Hashable, list[str]] = {}
    for response, prompt in zip(responses, prompts, strict=True):
        if response.error is None and response.text.strip():
            texts.setdefault(prompt, []).append(response.text)
    several = [mine for mine in texts.values() if len(mine) > 1]
    if not several or any(len(set(mine)) > 1 for mine in several):
        return None
    return len(several), max(map(len, several))


def notes_on(responses: Sequence[Response], prompts: Sequence[Hashable] | None = None) -> list[str]:
    """Sentences on what the replies show.

    Args:
        responses: The replies.
        prompts: What each is a sample of, if there are several samples of a prompt and they were drawn.
    """
    said = []
    if prompts is not None and (equal := _never_differ(responses, prompts)):
        said.append(
            f"warning: samples never differ: all of up to {equal[1]} samples are equal for each of {equal[0]} prompts. Is there "
            "a cache before the model, or does the server choose tokens in its own way (top_k 1 in its generation_config)?"
        )
    if keys := left_out(responses):
        own = f": sampling is {SERVERS_OWN}" if set(keys) & set(CHOOSES_TOKENS) else ""
        said.append(f"the server refuses {', '.join(keys)}, which was left out{own}")
    if (strange := unknown_ends(responses)) is not None:
        said.append(strange)
    for kind, n in without_answer(responses).items():
        if n > NO_ANSWER_WARNING * len(responses):
            said.append(
                f"warning: {n} of {len(responses)} replies ({n / len(responses):.1%}) {NO_ANSWER[kind]} ({kind})"
            )
    return said
