"""idf: the Imagery-Driven Framework, teaching vision-language models to imagine space (arXiv 2511.13782)."""

__version__ = "0.1.0"
