"""What a run takes of a GPU's memory: arithmetic from shapes, not a measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .deepspeed import PRESETS, zero_config
from .flops import Shape
from .layers import AT_ONCE
from .model import CHUNK, parameter_counts
from .recipe import StageRecipe, TrainingRecipe

CHOICES = (None, *PRESETS)
"""What can be planned: no DeepSpeed (fp32 only), and every preset."""

RESERVE = 0.08
"""Share of a GPU left for driver, CUDA context, buffers of NCCL, and gaps between blocks of memory; a choice, unmeasured."""

# What DeepSpeed takes where our configuration says nothing (deepspeed/runtime/zero/config.py).
_BUCKET = 500_000_000
_SUB_GROUP = 1_000_000_000
_LIVE = 1_000_000_000


@dataclass(frozen=True)
class Size:
    """Parameters of a model in training.

    Attributes:
        total: All of them, adapters included.
        trained: Those that learn.
        largest: The largest single tensor.
    """

    total: int
    trained: int
    largest: int


def size_of(vlm: Any, shape: Shape, lora_rank: int | None) -> Size:
    """The parameters of a model.

    Args:
        vlm: The model, without adapters, frozen where it does not learn.
        shape: Its shape.
        lora_rank: Rank of adapters on all matrices of the decoder, everything else being frozen; None for none.
    """
    total, _, trained = parameter_counts(vlm)
    largest = max(parameter.numel() for parameter in vlm.parameters())
    if lora_rank is None:
        return Size(total, trained, largest)
    return Size(total + shape.adapted * lora_rank, shape.adapted * lora_rank, largest)


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU.

    A run has three moments, of which the greatest counts: forward and backward (`training`), the optimizer's step, when
    activations are gone (`stepping`), and the evaluation hook (`evaluating`).

    Attributes:
        preset: The DeepSpeed preset, or None.
        weights: Parameters that stay.
        gradients: Gradients that stay until the step.
        optimizer: fp32 master weights and the two moments of Adam.
        buckets: Communication buckets, and parameters gathered for use (ZeRO-3).
        kept: What forward keeps for backward.
        layer: What the layer at work takes besides, in its backward pass.
        logits: One chunk of logits in its backward pass, before any layer's; never there together with `layer`.
        step: What the optimizer's step takes besides weights and optimizer.
        hook: The inline hook's own model, cache and widest layer; 0 without one.
        host: Bytes of the host's memory for each GPU (offload).
    """

    preset: str | None
    weights: float
    gradients: float
    optimizer: float
    buckets: float
    kept: float
    layer: float
    logits: float
    step: float
    hook: float
    host: float

    @property
    def training(self) -> float:
        """Bytes at the height of forward and backward."""
        states = self.weights + self.gradients + self.optimizer + self.buckets
        return states + self.kept + max(self.layer, self.logits)

    @property
    def stepping(self) -> float:
        """Bytes in the optimizer's step."""
        return self.weights + self.optimizer + self.step

    @property
    def evaluating(self) -> float:
        """Bytes while the hook evaluates a checkpoint; 0 without one."""
        return self.weights + self.optimizer + self.hook if self.hook else 0.0

    @property
    def peak(self) -> float:
        """The most that is needed at any moment."""
        return max(self.training, self.stepping, self.evaluating)


def memory_of(recipe: StageRecipe, shape: Shape, size: Size, preset: str | None, gpus: int, patches: int = 0) -> Memory:
    """What a recipe takes of each GPU under a preset.

    Mixed-precision Adam keeps 2 + 2 + 12 bytes a trained parameter: bf16 weight and gradient, and in fp32 master weight
    and two moments. ZeRO-1 splits the 12 over the GPUs, ZeRO-2 the gradients too, ZeRO-3 all (Rajbhandari et al.,
    arXiv 1910.02054, section 3.1 and figure 1). What DeepSpeed 0.19 holds besides was measured on a CPU
    (bench/zero_memory.py):

    - Stage 1 copies the gradients that a GPU owns before its step. Stage 2 holds those of the last micro-batch beside the
      sum of those before, if there are any; with `fp32_gradients` the sum alone, in fp32. Stage 3 adds up in place.
    - Offloaded, stage 2 sums micro-batches in CPU memory, in a copy of its own; all that are offloaded have there the
      gradients in fp32 for the step, and a buffer in bf16 (stage 3: the sum itself).
    - The step casts a split's gradients to fp32 and Adam needs one fp32 number a parameter for itself: 8 bytes, at a time
      for all that a GPU owns (stages 1 and 2), or for 10^9 parameters while the sum stays (stage 3).
    - Buckets: 5 x 10^8 elements, twice where communication overlaps, and a copy of one while it is sent to more than one
      GPU. Stage 3 has one, two copies of it while it is sent, and gathers up to 10^9 parameters besides.

    Without DeepSpeed all is fp32, and with several GPUs PyTorch's buckets hold the gradients a second time.

    Args:
        recipe: The stage's recipe; its own `deepspeed` and `gpus` are not looked at.
        shape: The model's shape.
        size: Its parameters.
        preset: The DeepSpeed preset, or None for plain data parallelism in fp32.
        gpus: Number of GPUs.
        patches: Patches of the pictures in the fullest row; for a vision part that learns.
    """
    half = 4 if preset is None or recipe.precision == "fp32" else 2  # bytes of a number in the model's precision
    kept, layer = activation_bytes(replace(recipe, deepspeed=preset), shape, half)
    seen, block = vision_bytes(recipe, shape, half, patches)
    layer = max(layer, block - kept)  # a vision block is at work when the language model's states are gone
    kept += seen
    logits = logit_bytes(recipe, shape, half)
    hook = hook_bytes(recipe, shape, size) if recipe.hook.mode == "inline" else 0.0
    trained = size.trained
    if preset is None:
        buckets = 4 * trained if gpus > 1 else 0
        split = {"gradients": 4 * trained, "optimizer": 8 * trained, "buckets": buckets, "step": 12 * trained}
        return Memory(None, 4 * size.total, **split, kept=kept, layer=layer, logits=logits, hook=hook, host=0)
    stage, offload, own = int(preset[4]), "offload" in preset, trained / gpus
    sums = 4 if recipe.fp32_gradients else half  # bytes of a gradient where micro-batches are added up
    several = recipe.rows_per_step > recipe.rows_per_micro_batch * gpus
    zero = zero_config(preset, recipe.device, recipe.lora is not None)
    buffers = (2 if zero["overlap_comm"] else 1) + (1 if gpus > 1 else 0) if stage < 3 else 3
    bucket = half * zero.get("reduce_bucket_size", _BUCKET) * buffers
    weights: float = half * size.total
    gradients: float = half * (trained + own)
    step: float = 8 * own
    host = 0.0
    if stage == 2:
        gradients = own * (4 if sums > half else 2 * half if several else half)
    if stage == 3:
        bucket += half * max(size.largest, min(_LIVE, size.total))
        weights /= gpus
        gradients = sums * own
        step = gradients + 8 * min(own, _SUB_GROUP)
    if offload:
        copies = sums if stage == 3 else 2 * half if several else half
        host = (12 + 4 + copies) * own + (weights if stage == 3 else 0)
        weights = 0 if stage == 3 else weights
        gradients = step = 0
    optimizer = 0.0 if offload else 12 * own
    return Memory(preset, weights, gradients, optimizer, bucket, kept, layer, logits, step, hook, host)


def activation_bytes(recipe: StageRecipe, shape: Shape, half: int) -> tuple[float, float]:
    """What forward keeps for backward on one GPU, and what the layer at work takes besides, in bytes.

    In the manner of Korthikanti et al., arXiv 2205.05198, section 4.1 (their 34 s b h is for GELU, dropout and a MLP
    four times as wide), for a decoder layer of Qwen2 on s tokens, h hidden, a attention, f intermediate, in bf16:

    - two RMSNorms: their input in fp32 (4 s h each) and their result in bf16 twice, before and after the scale: 16 s h;
    - queries, keys, values and the result of attention: 4 s a + 4 s k (k: key heads times head size) where each sample is
      computed alone; sdpa and eager repeat keys and values to all heads: 8 s a;
    - MLP: gate, its SiLU, up, and their product: 8 s f.

    In its backward pass it has the gradients of three tensors of the MLP and two of the residual stream besides:
    6 s f + 4 s h. Without gradient checkpointing every layer keeps all of the first; with it, each keeps its input
    alone, 2 s h, and the layer at work computes the first anew. With attention `packed`, but for ZeRO-3 and offload, it
    keeps three states, 4 s h and 2 s a (`run_layers`): its input, what attention gave, and what goes into the MLP. Then the
    layer at work is the larger of its two halves, the MLP's for AT_ONCE tokens at a time. The embeddings and the last norm add
    10 s h; with sdpa and eager the mask of packed samples adds 3 s^2, and eager attention 8 s^2 a head. A frozen vision part
    runs before, without autograd, and has given its memory back; one that learns is counted by `vision_bytes`.

    Args:
        recipe: Gives tokens, checkpointing and attention.
        shape: The model's shape.
        half: Bytes of a number, 2 for bf16 (of which the above speaks).
    """
    rows, length = recipe.rows_per_micro_batch, recipe.tokens_per_row
    tokens = rows * length
    h, a, f = shape.hidden, shape.attention, shape.intermediate
    scores = rows * length**2 * shape.heads * 4 * half if recipe.attention == "eager" else 0
    keys = shape.cache if recipe.samples_alone else a
    whole = tokens * (8 * h + half * (4 * h + 2 * a + 2 * keys + 4 * f)) + scores
    gradients = tokens * half * (3 * f + 2 * h)
    ends = tokens * (4 + 3 * half) * h + (0 if recipe.samples_alone else 3 * rows * length**2)
    if recipe.gradient_checkpointing and recipe.attention == "packed" and not recipe.saves_memory:
        piece = min(tokens, AT_ONCE)
        attention = tokens * (4 * h + half * (2 * h + 2 * a + 2 * keys))
        mlp = piece * (4 * h + half * (2 * h + 4 * f) + half * 3 * f)
        at_work = max(attention, mlp) + tokens * half * 2 * h
        return shape.layers * tokens * half * (2 * h + a) + ends, at_work
    if recipe.gradient_checkpointing:
        return shape.layers * tokens * half * h + ends, whole + gradients
    return shape.layers * whole + ends, gradients


def vision_bytes(recipe: StageRecipe, shape: Shape, half: int, patches: int) -> tuple[float, float]:
    """What a vision part that learns keeps for backward on one GPU, and what its block at work takes besides, in bytes.

    As `activation_bytes` counts, for p patches, w vision width, f its intermediate width, in bf16. A block keeps 12 p w
    for queries, keys, all three as one product, and the result of attention; and

    - Qwen2.5-VL: two RMSNorms, 16 p w, and a gated MLP, 8 p f; 6 p f of gradients in its backward pass;
    - Qwen2-VL and Qwen3-VL: two LayerNorms, 8 p w, and an MLP whose activation keeps up to three tensors, 6 p f; 4 p f.

    With gradient checkpointing each block keeps its input alone, 2 p w. The patch embedding keeps its pixels; a merger
    keeps its norm and 4 p w, or 8 p w in all with `language+merger`, when the tower keeps nothing. What eager attention
    keeps of pictures is left out.

    Args:
        recipe: Gives what learns, and checkpointing.
        shape: The model's shape.
        half: Bytes of a number, 2 for bf16 (of which the above speaks).
        patches: Patches of the pictures in the fullest row; a row that is too short for them is taken as full of pictures.
    """
    if recipe.train == "language":
        return 0.0, 0.0
    patches = recipe.rows_per_micro_batch * min(patches, recipe.tokens_per_row * shape.merge)
    w, f, gated = shape.vision_width, shape.vision_intermediate, shape.vision_gated
    mergers = shape.merger // (shape.merge * w * (shape.merge * w + shape.hidden))
    if recipe.train == "language+merger":  # whose RMSNorm needs no gradient for its input, and keeps no copy in fp32
        return float(mergers * patches * half * 4 * w), 0.0
    norm = (4 * w if gated else 0) + half * 2 * w
    ends = mergers * patches * (norm + half * 2 * w) + half * patches * shape.embedding / w
    block = patches * (2 * norm + half * (6 * w + (4 if gated else 3) * f))
    gradients = patches * half * ((3 if gated else 2) * f + 2 * w)
    blocks = shape.full_blocks + shape.window_blocks
    if recipe.gradient_checkpointing:
        return blocks * patches * half * w + ends, float(block + gradients)
    return blocks * block + ends, float(gradients)


def checkpoint_bytes(recipe: TrainingRecipe, size: Size) -> tuple[float, float]:
    """What a checkpoint takes of the disk: its weights, and the state that a run is resumed from.

    The weights are a complete folder. The state is 12 bytes a trained parameter, and DeepSpeed's own copy of the trained
    weights (stages 1 and 2); without DeepSpeed it is the two moments.

    Args:
        recipe: The stage's recipe.
        size: Its parameters.
    """
    half = 2 if recipe.precision == "bf16" else 4
    weights = float(half * size.total)  # adapters lie beside the merged weights
    if recipe.deepspeed is None:
        return weights, 8.0 * size.trained
    return weights, (12.0 + (0 if recipe.sharded else half)) * size.trained


def logit_bytes(recipe: StageRecipe, shape: Shape, half: int) -> float:
    """One chunk of logits in its backward pass, as `label_loss` does it.

    Log-probabilities, their gradient and that of the logits, all fp32; and unless it is frozen, the gradient of the
    output projection twice: what earlier chunks gave, and this one's.

    Args:
        recipe: Gives the tokens, and whether the projection is frozen.
        shape: The model's shape.
        half: Bytes of a number of the model's precision.
    """
    tokens = min(CHUNK, recipe.rows_per_micro_batch * recipe.tokens_per_row)
    projection = 0 if recipe.lora else 2 * half * shape.hidden
    return float(shape.vocabulary * (12 * tokens + projection))


def hook_bytes(recipe: TrainingRecipe, shape: Shape, size: Size) -> float:
    """The inline hook: a whole second model, keys and values of a batch at full length, and the MLP of its prompts.

    A prompt is taken as the largest picture and 512 tokens of text.
    """
    half = 2 if recipe.device == "gpu" else 4
    prompt = recipe.max_pixels // shape.pixels_per_token + 512
    cache = 2 * half * shape.layers * shape.cache * (prompt + recipe.hook.max_new_tokens)
    widest = half * (3 * shape.intermediate + 4 * shape.hidden) * prompt
    return half * size.total + recipe.hook.batch_size * (cache + widest)
