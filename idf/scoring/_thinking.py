"""What a response says aloud: its text without what it only thinks, and without the tokens of chat templates."""

from __future__ import annotations

import re

_NAMES = (
    r"(?:seed:)?(?:think(?:ing|s)?|thoughts?|reason(?:ing)?|reflect(?:ion|ions)?|scratch_?-?pad|analysis|ant_?thinking|cot|"
    r"chain_?-?of_?-?thought|(?:inner|internal)_?-?(?:thoughts?|monologue))"
)
# A mark that begins or ends a thought; the group `end` stands in one that ends it.
_MARK = re.compile(
    rf"(?:<|&lt;)\s{{0,3}}(?P<slash>/?)\s{{0,3}}{_NAMES}(?:\s[^<>\n]{{0,60}}|\s{{0,3}})(?:>|&gt;)"
    r"|\[(?P<square>/?) ?(?:think(?:ing)?|reasoning|thoughts?) ?\]"
    r"|◁(?P<kimi>/?)think▷"
    r"|<\|(?P<of>begin|end)_of_(?:thoughts?|thinking|reasoning)\|>"
    r"|<\|(?P<cohere>start|end)_(?:thinking|reasoning|thought)\|>"
    r"|<\|(?:thoughts?|think(?:ing)?|reasoning)_(?P<last>begin|start|end)\|>"
    r"|<\|(?P<bar>/?)(?:think(?:ing)?|thought|reasoning)\|>"
    r"|<unused94>(?:thought)?|(?P<unused><unused95>)",
    re.IGNORECASE,
)
# Channels of the harmony format: what is not said in the channel `final` is not said aloud.
_CHANNEL = re.compile(
    r"(?:<\|start\|>\s{0,3}assistant\s{0,3})?<\|channel\|>\s{0,3}(?:analysis|commentary)[^<\n]{0,60}<\|message\|>.*?"
    r"(?:<\|end\|>|<\|call\|>|(?=<\|start\|>|<\|channel\|>|<\|return\|>)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FINAL = re.compile(
    r"(?:<\|start\|>\s{0,3}assistant\s{0,3})?<\|channel\|>\s{0,3}final[^<\n]{0,60}<\|message\|>", re.IGNORECASE
)
# The same format where the special tokens were dropped
_UNMARKED = re.compile(r"\Aanalysis(?=[A-Z\s])|assistant\s?final(?=[A-Z\s*#\\])")
# What ends a turn, in any family; what stands behind it is the next turn
_TURN_END = re.compile(
    r"<\|(?:im_end|endoftext|eot_id|eom_id|end|return|end_of_text|end_of_turn|end_of_turn_token|endofresponse|eos|user|im_start|"
    r"start_header_id|endofmessage|end_of_response|end_response|assistant_end|eot|turn_end|im_sep|user_end)\|>|<[｜|](?:end▁of▁sentence|User|end_of_sentence)[｜|]>"
    r"|</s>|<eos>|<end_of_turn>|<end_of_utterance>|<start_of_turn>user|\[/?INST\]|\[EOS\]|</assistant>|<pad>|<\|END_OF_TURN_TOKEN\|>|\[\|endofturn\|\]",
    re.IGNORECASE,
)
# Tokens that frame what is said aloud
_FRAME = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|start_response|end_response|begin_of_text|begin_of_sentence|assistant|message|start)\|>"
    r"|<｜(?:begin▁of▁sentence|Assistant)｜>|\A\s{0,9}<s>|<start_of_turn>(?:model)?|</?response>|\A\s{0,9}<bos>",
    re.IGNORECASE,
)
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def strip_thinking(response: str) -> str:
    """The response without its think blocks.

    A block that never ends hides all after it. An end without a beginning hides all before it: some chat templates put
    the opening tag into the prompt, so that the response begins with a thought. All line ends become line feeds. The text
    ends with the turn: a token of a chat template that ends it, and what a model may write behind, is not part of it.
    """
    text = _LINE_END.sub("\n", response)
    if "<|channel|>" in text:
        text = _FINAL.sub("\n", _CHANNEL.sub("\n", text))
    elif text.startswith("analysis") and _UNMARKED.match(text):
        *_, last = _UNMARKED.split(text)
        text = last if "assistant" in text else ""
    said: list[str] = []
    at, thinking = 0, False
    for mark in _MARK.finditer(text):
        ends = _ends(mark)
        if ends and not thinking:
            said = []
        elif not thinking:
            said += text[at : mark.start()], "\n"
        thinking = not ends
        at = mark.end()
    if not thinking:
        said.append(text[at:])
    aloud = _FRAME.sub("", "".join(said))
    begin = 0
    for end in _TURN_END.finditer(aloud):
        if aloud[begin : end.start()].strip():
            return aloud[begin : end.start()] + "\n"
        begin = end.end()
    return aloud[begin:]


def _ends(mark: re.Match[str]) -> bool:
    """Whether a mark ends a thought."""
    words = (mark["of"], mark["cohere"], mark["last"])
    return bool(mark["slash"] or mark["square"] or mark["kimi"] or mark["bar"] or mark["unused"]) or any(
        word and word.lower() == "end" for word in words
    )
