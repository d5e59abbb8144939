"""What a response says aloud: its text without what it only thinks."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>|◁(/?)think▷", re.IGNORECASE)
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def visible(response: str) -> str:
    """The response without its think blocks.

    A block that never ends hides all after it. An end without a beginning hides all before it: some chat templates put
    the opening tag into the prompt, so that the response begins with a thought. All line ends become line feeds.
    """
    response = _LINE_END.sub("\n", response)
    said: list[str] = []
    at, thinking = 0, False
    for tag in _TAG.finditer(response):
        ends = bool(tag[1] or tag[2])
        if ends and not thinking:
            said = []
        elif not thinking:
            said += response[at : tag.start()], "\n"
        thinking = not ends
        at = tag.end()
    if not thinking:
        said.append(response[at:])
    return "".join(said)
