"""What has to learn before a tiny model reads pictures (docs/seeing-study.md)."""
