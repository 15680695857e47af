"""How many random cases a test sees: 40, in the slow tier 500, with --hypothesis-profile=thorough 10,000."""

from hypothesis import settings

for name, examples in (("fast", 40), ("all", 500), ("thorough", 10_000)):
    settings.register_profile(name, max_examples=examples, deadline=None)
settings.load_profile("fast")
