"""Who is asked what, what came, and what is written."""
