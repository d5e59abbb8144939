"""What is a picture of the next state worth? (docs/probe-study.md)"""
