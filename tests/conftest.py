"""Settings of all tests."""

from hypothesis import settings

# The same examples in every run: what fails, fails for everybody.
settings.register_profile("idf", derandomize=True, deadline=None)
settings.load_profile("idf")
