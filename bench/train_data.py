"""The data and the tiny model that bench/train.py trains on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from idf.data import DatasetFolder, EstimatedTokens, Lengths, Sample, write_dataset
from idf.drawing import picture_size
from idf.imagery import ImageryRecipe, build_imagery
from idf.recipe import read_recipe
from idf.training.packing import pack
from idf.worlds import Rng

ROOT = Path(__file__).parents[1]
POOL = 5  # samples made for each that is taken


@dataclass(frozen=True)
class Width:
    """Sizes of the tiny model; the shares of MLP, output projection and vision in its operations are near the 7B model's.

    Attributes:
        hidden: Width of the language model; a head is 64 wide.
        intermediate: Width of its MLP: 5.25 times that of the hidden states, as in the 7B model.
        layers: Decoder layers.
        vision: Width of the vision blocks.
        depth: Vision blocks, all of them with windows: in the 7B model those with full attention hardly count.
        deviation: Standard deviation of the random weights; the tiny model's own.
    """

    hidden: int = 384
    intermediate: int = 2016
    layers: int = 2
    vision: int = 128
    depth: int = 2
    deviation: float = 0.05


def imagery_recipe(**changes: Any) -> ImageryRecipe:
    """recipes/imagery.yaml, with changes."""
    return replace(read_recipe(ImageryRecipe, ROOT / "recipes/imagery.yaml", []), **changes)


def scaled_imagery(folder: Path, samples: int, divide: int, *, pictured: bool = False) -> DatasetFolder:
    """A small set with the length mix of recipes/imagery.yaml, its pictures `divide` times smaller.

    The recipe makes POOL times as many samples, and of those, ordered by picture and length, every POOL-th is taken: so
    few samples drawn at random would have another mix by chance.

    Args:
        folder: Where to make it.
        samples: How many; a multiple of the number of worlds makes their shares equal.
        divide: By how much a picture has fewer pixels than its world's own.
        pictured: Whether samples of text alone are left out.
    """
    whole = imagery_recipe(**({"modes": {"vtqa": 2.0, "vqa": 1.0}} if pictured else {}))
    pool: list[Sample] = []
    for world in whole.worlds:
        width, height = picture_size(world, None)
        recipe = replace(
            whole, worlds={world: 1.0}, samples=POOL * samples // len(whole.worlds), max_pixels=width * height // divide
        )
        pool += build_imagery(recipe, folder / world).samples()
    count = EstimatedTokens()
    pool.sort(key=lambda sample: (count(sample).vision, count(sample).total, sample.id))
    taken = Rng("bench", "train").shuffled(pool[POOL // 2 :: POOL])
    facts = {"stage": "imagery", "seed": whole.seed, "split": "train", "pictures": f"1/{divide} of their pixels"}
    return write_dataset(taken, folder / "data", facts)


def export_sharegpt(data: DatasetFolder, folder: Path) -> None:
    """Write a dataset as LLaMA-Factory reads it: messages with `<image>` in their places, picture files, dataset_info.json."""
    folder.mkdir()
    rows = []
    for sample in data.samples():
        names = []
        for number, image in enumerate(sample.images):
            names.append(str(folder / f"{sample.id.replace('/', '-')}-{number}.png"))
            Path(names[-1]).write_bytes(image)
        messages = [
            {
                "role": said["role"],
                "content": "".join("<image>" if part["type"] == "image" else part["text"] for part in said["content"]),
            }
            for said in sample.messages
        ]
        rows.append({"messages": messages, "images": names})
    (folder / "data.json").write_text(json.dumps(rows))
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "images": "images"}
    info = {"file_name": "data.json", "formatting": "sharegpt", "columns": columns, "tags": tags}
    (folder / "dataset_info.json").write_text(json.dumps({"imagery": info}))


def make_model(data: DatasetFolder, folder: Path, width: Width) -> dict[str, Any]:
    """The quickstart's tiny model at another width, as a Hugging Face folder; its sizes."""
    from idf.training.load import meta_model
    from idf.training.tiny import make_tiny_model

    make_tiny_model([data], folder)
    sizes = resize(folder, folder, width)
    # Of the operations on this data.
    return sizes | {"vision_share": vision_share(meta_model(str(folder)), lengths_of(data.samples()))}


def resize(tiny: Path, folder: Path, width: Width) -> dict[str, Any]:
    """A model of another width with the tokenizer of a tiny one, as a Hugging Face folder; its sizes."""
    import torch
    from transformers import AutoProcessor, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from idf.training.flops import shape_of
    from idf.training.model import freeze_vision, parameter_counts

    config = Qwen2_5_VLConfig.from_pretrained(tiny)
    text, vision = config.text_config, config.vision_config
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = width.hidden, width.intermediate, width.layers
    text.num_attention_heads, text.num_key_value_heads = width.hidden // 64, 2
    text.layer_types = text.layer_types[:1] * width.layers
    text.rope_parameters["mrope_section"] = [8, 12, 12]
    vision.hidden_size, vision.intermediate_size, vision.depth = width.vision, width.vision * 8 // 3, width.depth
    vision.out_hidden_size, vision.fullatt_block_indexes = width.hidden, []
    for part in (config, text):
        part.initializer_range = width.deviation
    torch.manual_seed(0)
    vlm = Qwen2_5_VLForConditionalGeneration(config)
    # What ends a response was written with the tiny model.
    vlm.generation_config = vlm.generation_config.from_pretrained(tiny)
    vlm.save_pretrained(folder)
    AutoProcessor.from_pretrained(tiny).save_pretrained(folder)
    freeze_vision(vlm)
    shape, (total, frozen, trainable) = shape_of(vlm), parameter_counts(vlm)
    return {
        "parameters": {"total": total, "frozen": frozen, "trainable": trainable},
        "hidden": width.hidden,
        "layers": width.layers,
        "vocabulary": shape.vocabulary,
        # Of a token's matrix products in the language model; 7.7 % in the 7B model.
        "head_share": round(shape.vocabulary * shape.hidden / (shape.decoder + shape.vocabulary * shape.hidden), 3),
    }


def vision_share(vlm: Any, lengths: Sequence[Lengths]) -> float:
    """The share of the frozen vision part in the operations of training on samples."""
    from idf.training.flops import Counts, shape_of, train_flops

    shape = shape_of(vlm)
    patches = [shape.merge * length.vision for length in lengths]
    vision = Counts(patches=sum(patches), patch_pairs=sum(n**2 for n in patches))
    language = Counts(
        tokens=sum(length.total for length in lengths),
        label_tokens=sum(length.answer for length in lengths),
        token_pairs=sum(length.total**2 for length in lengths),
    )
    return round(train_flops(shape, vision) / train_flops(shape, vision + language), 3)


# --- lengths -----------------------------------------------------------------------------------------------------


def lengths_of(samples: Iterable[Sample]) -> list[Lengths]:
    """Estimated lengths."""
    count = EstimatedTokens()
    return [count(sample) for sample in samples]


def describe(lengths: Sequence[Lengths]) -> dict[str, Any]:
    """Percentiles, and the shares that make a mix."""
    total = [length.total for length in lengths]
    low, middle, high = np.percentile(total, [10, 50, 90])
    return {
        "samples": len(total),
        "tokens": {
            "min": min(total),
            "p10": round(low),
            "median": round(middle),
            "mean": round(fmean(total)),
            "p90": round(high),
            "max": max(total),
        },
        "text_only_share": round(fmean(length.vision == 0 for length in lengths), 3),
        "vision_token_share": round(sum(length.vision for length in lengths) / sum(total), 3),
        "label_token_share": round(sum(length.answer for length in lengths) / sum(total), 3),
    }


def waste(lengths: Sequence[Lengths], row_lengths: Sequence[int], batch_sizes: Sequence[int]) -> dict[str, Any]:
    """What packing fills, and what padding wastes, on the lengths of a whole dataset; only counted, nothing trained.

    Args:
        lengths: The lengths.
        row_lengths: Values of tokens_per_row.
        batch_sizes: Samples that are padded to the longest among them: at random, and grouped by length as Trainer can do.
    """
    from transformers.trainer_pt_utils import LengthGroupedSampler

    total = [length.total for length in lengths]
    filled = {str(n): round(sum(total) / (n * len(pack(total, n, 0))), 4) for n in row_lengths}
    order = Rng("bench", "padding").shuffled(total)
    grouped = {
        size: [total[i] for i in LengthGroupedSampler(size, lengths=total)]
        for size in batch_sizes
        if size <= len(total)
    }
    return {
        "packed_rows_filled": filled,
        "padding_share_random_batches": {str(n): round(padding_share(order, n), 3) for n in grouped},
        "padding_share_grouped_by_length": {str(n): round(padding_share(by, n), 3) for n, by in grouped.items()},
    }


def operations_of_7b(lengths: Sequence[Lengths], row_lengths: Sequence[int], size: int) -> dict[str, Any]:
    """Operations that the 7B model executes on a whole dataset, beside those of padded batches; calculated, not measured.

    With gradient checkpointing the decoder runs forward twice, and backward for twice its forward cost. With a mask, SDPA
    computes every pair of positions in a row; FlashAttention computes the causal half of each sample's own. The padded
    way computes logits of all positions, ours those of label tokens, twice.

    Args:
        lengths: The lengths.
        row_lengths: Values of tokens_per_row.
        size: Samples in a padded batch.
    """
    from idf.training.flops import Counts, shape_of, train_flops
    from idf.training.load import meta_model

    vlm = meta_model("Qwen/Qwen2.5-VL-7B-Instruct")
    shape = shape_of(vlm)
    patches = [shape.merge * length.vision for length in lengths]
    vision = train_flops(shape, Counts(patches=sum(patches), patch_pairs=sum(n**2 for n in patches)))
    total = [length.total for length in lengths]
    own = sum(n**2 for n in total) / 2

    def operations(positions: int, pairs: float, head: int) -> float:
        attention = 16 * shape.layers * shape.attention * pairs
        return 8 * shape.decoder * positions + attention + head * shape.vocabulary * shape.hidden + vision

    order = Rng("bench", "padding").shuffled(total)
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    padded = sum(max(batch) * len(batch) for batch in batches)
    pairs = sum(max(batch) ** 2 * len(batch) for batch in batches)
    labels = sum(length.answer for length in lengths)
    stock = {"sdpa": operations(padded, pairs, 6 * padded), "flash_attention_2": operations(padded, own, 6 * padded)}
    ratios: dict[str, Any] = {"sdpa": {}, "flash_attention_2": {}}
    for n in row_lengths:
        positions = n * len(pack(total, n, 0))
        for attention, computed in (("sdpa", float(n * positions)), ("flash_attention_2", own)):
            ours = operations(positions, computed, 8 * labels)
            ratios[attention][str(n)] = round(stock[attention] / ours, 2)
    return {
        "samples_per_padded_batch": size,
        "padded_over_packed": ratios,
        "vision_share": vision_share(vlm, lengths),
    }


def padding_share(lengths: Sequence[int], size: int) -> float:
    """The share of padding if samples are padded to the longest of each `size` that follow each other."""
    batches = [lengths[at : at + size] for at in range(0, len(lengths), size)]
    return 1 - sum(lengths) / sum(max(batch) * len(batch) for batch in batches)
