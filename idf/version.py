"""The version of idf; it stands in everything that idf writes."""

VERSION = "0.1.0"
