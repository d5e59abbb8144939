"""Does imagining first pay for a model that can read already? (docs/pretrained-study.md)"""
