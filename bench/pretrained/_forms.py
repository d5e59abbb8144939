"""Is stage 1 learned? Held-out walks are asked in imagery's own form, and each step is compared with the true one.

`python -m bench.pretrained._forms CHECKPOINT WALKS OUT.json`. The exercises of a suite ask the same forms (docs/suites.md), of
scenes of the split "eval"; these walks are along the paths that this study holds out in all colours.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.study._outcome import write_json
from bench.study.walks import STEP, counted
from idf.backends import HFBackend, Request, Sampling
from idf.data import Sample, open_dataset, text_of

_MAX_NEW_TOKENS = 200
_BATCH_SIZE = 60


@dataclass
class Asked:
    """What of held-out walks is right, walk by walk.

    Attributes:
        steps: Steps that there are.
        right: Steps whose line is the true one, in its place.
        first_wrong: The first step that is not, from 1; 0 if there is none.
        answers: 1 for a right answer.
    """

    steps: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    first_wrong: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def note(self, walk: Sample, response: str) -> None:
        """Count one walk."""
        found = counted(walk, response)
        self.steps.append(found["steps"])
        self.right.append(found["steps_right"])
        self.first_wrong.append(first_wrong(walk, response))
        self.answers.append(found["answers_right"])


def first_wrong(walk: Sample, response: str) -> int:
    """The first step whose line is not the true one, from 1; 0 if all are."""
    truth, said = text_of(walk.messages[-1]).split("\n"), response.split("\n")
    places = [place for place, line in enumerate(truth) if STEP.match(line)]
    wrong = (number for number, place in enumerate(places, 1) if said[place : place + 1] != [truth[place]])
    return next(wrong, 0)


def ask(checkpoint: Path, walks: list[Sample]) -> Asked:
    """Ask a checkpoint all walks, greedily."""
    backend = HFBackend(str(checkpoint), sampling=Sampling(_MAX_NEW_TOKENS), batch_size=_BATCH_SIZE)
    responses = dict(backend.generate([Request(walk.messages[:1], None) for walk in walks]))
    asked = Asked()
    for place, walk in enumerate(walks):
        asked.note(walk, responses[place].text)
    return asked


def main() -> None:
    checkpoint, folder, out = map(Path, sys.argv[1:])
    walks = list(open_dataset(folder, made_by="python -m bench.pretrained --plan").samples())
    write_json(out, asdict(ask(checkpoint, walks)), indent=1)


if __name__ == "__main__":
    main()
