"""How many random cases a test sees: 500 as a rule; 10,000 with --hypothesis-profile=thorough."""

from hypothesis import settings

settings.register_profile("course", max_examples=500, deadline=None)
settings.register_profile("thorough", max_examples=10_000, deadline=None)
settings.load_profile("course")
