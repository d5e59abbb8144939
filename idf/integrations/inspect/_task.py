"""A suite as a task of inspect_ai."""

from __future__ import annotations

from base64 import b64encode

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, Content, ContentImage, ContentText, GenerateConfig
from inspect_ai.solver import generate

from .._documents import Document, read_documents
from ._scorer import replay


@task
def spatialite(
    suite: str,
    mode: str = "vtqa",
    prompts: str = "idf-long-1",
    world: str | None = None,
    max_pixels: int | None = None,
) -> Task:
    """Spatial problems, scored by parsing the final answer and replaying plans.

    Args:
        suite: The folder of a suite made by `idf suite`, or spatialite:DIR (a clone of the published benchmark).
        mode: What the model is shown: "vqa", "tqa" or "vtqa".
        prompts: The prompt set.
        world: Only the items of this world.
        max_pixels: Largest picture.
    """
    samples = [_sample(found) for found in read_documents(suite, mode, prompts, world, max_pixels)]
    return Task(
        dataset=MemoryDataset(samples, name=f"{suite} {mode}"),
        solver=generate(),
        scorer=replay(),
        config=GenerateConfig(temperature=0.0, max_tokens=4096),
        version=1,
    )


def content_of(text: str, picture: bytes | None) -> list[Content]:
    """What a message of a user holds: a picture, if there is one (a PNG file), and a text."""
    if picture is None:
        return [ContentText(text=text)]
    # A data URI: files named in a sample are looked for where the log is read, too.
    return [ContentImage(image=f"data:image/png;base64,{b64encode(picture).decode()}"), ContentText(text=text)]


def _sample(found: Document) -> Sample:
    told = ("world", "mode", "difficulty", "prompts", "problem", "cluster", "size")
    return Sample(
        id=found.id,
        input=[ChatMessageUser(content=content_of(found.question, found.picture))],
        target=found.target,
        metadata={name: getattr(found, name) for name in told},
    )
