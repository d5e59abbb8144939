#!/usr/bin/env bash
# mistral-common: a question followed by one picture is encoded as the picture followed by the
#   question; with two pictures the order is kept.
#
# One would guess: the parts of a message are encoded in the order in which they stand.
# What happens: a message of exactly one text and one picture gets the picture first, whichever
#   came first, without a word. One part more, a second picture or a text after it, and all stay
#   where they are. So "question, picture" and "picture, question" are the same tokens, a study of
#   that order measures nothing, and samples trained in one form are asked in another.
# Seen, Pixtral's tokenizer: {"text, picture": "<picture>Turn this:", "picture, text":
#   "<picture>Turn this:", "text, picture, picture": "Turn this:<picture><picture>",
#   "text, picture, text": "Turn this:<picture>left", "same tokens": true}
# Versions: mistral-common 1.13.1, opencv-python-headless 5.0.0.93, pillow 13.0.0. 2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  mistral-common==1.13.1 opencv-python-headless==5.0.0.93 pillow==13.0.0
cd "$work"
cat >see.py <<'EOF'
import json
import re
import sys

from mistral_common.protocol.instruct.chunk import ImageChunk, TextChunk
from mistral_common.protocol.instruct.messages import UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from PIL import Image

TOKENIZER = MistralTokenizer.v3(is_tekken=True, is_mm=True)  # comes with the package
PICTURE = ImageChunk(image=Image.new("RGB", (16, 16), "red"))
TEXT, MORE = TextChunk(text="Turn this:"), TextChunk(text="left")


def encoded(*parts):
    return TOKENIZER.encode_chat_completion(ChatCompletionRequest(messages=[UserMessage(content=list(parts))]))


def order(*parts) -> str:
    text = re.sub(r"(\[IMG\]|\[IMG_BREAK\])+\[IMG_END\]", "<picture>", encoded(*parts).text)
    return text.removeprefix("<s>[INST]").removesuffix("[/INST]")


seen = {
    "text, picture": order(TEXT, PICTURE),
    "picture, text": order(PICTURE, TEXT),
    "text, picture, picture": order(TEXT, PICTURE, PICTURE),
    "text, picture, text": order(TEXT, PICTURE, MORE),
    "same tokens": encoded(TEXT, PICTURE).tokens == encoded(PICTURE, TEXT).tokens,
}
print(json.dumps(seen))
expected = [
    "<picture>Turn this:",
    "<picture>Turn this:",
    "Turn this:<picture><picture>",
    "Turn this:<picture>left",
    True,
]
if list(seen.values()) != expected:
    sys.exit("changed: mistral-common orders texts and pictures otherwise now")
EOF
"$work/venv/bin/python" see.py
