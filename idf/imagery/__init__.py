"""Stage-1 data: walks turned into samples that spell out what has to be imagined."""

from ._basics import BASICS
from ._build import ImageryMaker, build_imagery
from ._exercises import check_kinds, draw_suite
from ._kinds import KINDS, LESSONS, kinds_of, teach
from ._lesson import Lesson, stretch
from ._phrasings import BASIC_PHRASINGS, PHRASINGS
from ._recipe import ImageryRecipe

__all__ = [
    "BASICS",
    "BASIC_PHRASINGS",
    "KINDS",
    "LESSONS",
    "PHRASINGS",
    "ImageryMaker",
    "ImageryRecipe",
    "Lesson",
    "build_imagery",
    "check_kinds",
    "draw_suite",
    "kinds_of",
    "stretch",
    "teach",
]
