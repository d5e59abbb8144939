"""Stage-1 data: walks turned into samples that spell out what has to be imagined."""

from ._build import ImageryMaker, build_imagery
from ._kinds import LESSONS, Lesson, kinds_of, teach
from ._phrasings import PHRASINGS
from ._recipe import ImageryRecipe

__all__ = ["LESSONS", "PHRASINGS", "ImageryMaker", "ImageryRecipe", "Lesson", "build_imagery", "kinds_of", "teach"]
