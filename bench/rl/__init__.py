"""What reinforcement with the worlds' verdicts teaches a tiny model (docs/rl-study.md)."""
