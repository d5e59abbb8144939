"""Read model folders with whatever transformers this Python has, as a user of that version would; idf is not imported.

    PYTHON tests/training/reads.py OUT FOLDER...

Of each folder a line of JSON: the numbers of a prompt by processor, fast and slow tokenizer, and what the config says. Logits
of a text, and of a prompt with given pixel values, go into OUT/<number>.npz.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer, GenerationConfig

TALK = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "It rolls right, 12 steps: 红?"}]}]


def read(folder: str, out: Path) -> dict:
    config = AutoConfig.from_pretrained(folder)
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {"rope_theta": text.rope_theta, **text.rope_scaling}
    processor = AutoProcessor.from_pretrained(folder)
    prompt = processor.apply_chat_template(TALK, add_generation_prompt=True, tokenize=False)
    tokenizers = [AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(folder, use_fast=False)]
    cell = processor.image_processor.patch_size * processor.image_processor.merge_size
    given = dict(processor(text=[prompt], images=[Image.new("RGB", (4 * cell, 4 * cell), "red")], return_tensors="pt"))
    ids = given["input_ids"][0].tolist()
    shape = given["pixel_values"].shape
    given["pixel_values"] = torch.linspace(-1, 1, shape.numel()).reshape(shape)
    model, info = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True, dtype="auto")
    dtype = str(model.dtype)
    model = model.float().eval()
    words = torch.tensor([tokenizers[0](prompt.split("<|vision_start|>")[0] + "red blue 3").input_ids])
    with torch.no_grad():
        seen = model(**given).logits
        said = model(input_ids=words, attention_mask=torch.ones_like(words)).logits
    np.savez(out, seen=seen.numpy(), said=said.numpy())
    return {
        "lacking": sorted(info["missing_keys"]) + sorted(info["mismatched_keys"]),
        "dtype": dtype,
        "rope": [rope["rope_theta"], rope["mrope_section"]],
        "prompt": prompt,
        "ids": ids,
        "tokenizers": [tokenizer(prompt).input_ids for tokenizer in tokenizers],
        "special": sorted(tokenizers[0].all_special_tokens),
        "ends": GenerationConfig.from_pretrained(folder).eos_token_id,
        "pixels": [processor.image_processor.size[edge] for edge in ("shortest_edge", "longest_edge")],
        "colours": [list(getattr(processor.image_processor, name)) for name in ("image_mean", "image_std")],
    }


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True)
    for number, folder in enumerate(sys.argv[2:]):
        print(json.dumps({"transformers": transformers.__version__, **read(folder, out / f"{number}.npz")}), flush=True)


if __name__ == "__main__":
    main()
