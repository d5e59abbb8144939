"""Does a loop that chooses its problems learn more than one that draws them uniformly? (docs/loop-study.md)"""
