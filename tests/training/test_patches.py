"""Patches cut and normalised here, beside those of the models' own image processors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Qwen2VLImageProcessor

from idf.training.collate import Collator
from idf.training.encode import Encoder
from idf.training.families import FAMILIES
from idf.training.load import load_processor
from idf.training.patches import colours_of, cut, normalised
from tests.sentences import refused


@pytest.mark.parametrize("family", FAMILIES)
def test_pixels_are_the_image_processors_to_the_bit(hub, family):
    processor = load_processor(str(hub(family))).image_processor
    patch, merge = processor.patch_size, processor.merge_size
    rng = np.random.default_rng(0)
    pictures = [
        rng.integers(0, 256, (rows * patch * merge, columns * patch * merge, 3), np.uint8)
        for rows, columns in ((1, 1), (2, 3), (5, 2), (12, 17))
    ]
    theirs = processor(images=pictures, do_resize=False, return_tensors="pt")
    patches = torch.from_numpy(np.concatenate([cut(picture, patch, merge) for picture in pictures]))
    assert patches.dtype == torch.uint8
    ours = normalised(patches, colours_of(processor), processor.temporal_patch_size)
    assert torch.equal(ours, theirs["pixel_values"])


@pytest.mark.parametrize("changes", [{"do_normalize": False}, {"do_rescale": False}, {"rescale_factor": 1 / 127.5}])
def test_what_a_processors_config_says_of_colours_counts(changes):
    processor = Qwen2VLImageProcessor(**changes)
    picture = np.random.default_rng(0).integers(0, 256, (56, 84, 3), np.uint8)
    theirs = processor(images=[picture], do_resize=False, return_tensors="pt")["pixel_values"]
    ours = normalised(torch.from_numpy(cut(picture, 14, 2)), colours_of(processor), 2)
    assert torch.allclose(ours, theirs.float(), rtol=1e-6, atol=1e-6)


def test_an_image_processor_that_cuts_otherwise_is_refused():
    plain = Qwen2VLImageProcessor()

    def backwards(**inputs):
        return {"pixel_values": plain(**inputs)["pixel_values"].flip(0)}

    class Other:
        def __getattr__(self, name):
            return getattr(plain, name)

        def __call__(self, **inputs):
            return backwards(**inputs)

    with refused("image processor", "Other", "preprocessor_config.json"):
        Collator(Other(), 0, 0)


def test_a_micro_batch_carries_an_eighth_of_the_bytes_of_its_pixels(tiny):
    encoder = Encoder(tiny.processor, max_length=4096, max_pixels=112 * 112)
    collate = Collator(tiny.processor.image_processor, encoder.image_token_id, 0)
    sample = next(sample for sample in tiny.imagery.samples() if sample.images)
    batch = collate([[(encoder(sample), sample.images)]])
    pixels = normalised(batch["patches"], batch["colours"], 2)
    assert batch["patches"].dtype == torch.uint8
    assert pixels.nbytes == 8 * batch["patches"].nbytes
