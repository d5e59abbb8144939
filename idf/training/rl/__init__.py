"""Stage 3: reinforcement by TRL's GRPOTrainer, with the worlds' own verdicts as the reward."""
