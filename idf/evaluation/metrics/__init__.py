"""Scored rows, and what is counted of them; nothing here asks or draws."""
