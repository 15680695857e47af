"""Chapter 03: all columns at once, distances without a block, how large N may be, letters, and what a rung holds."""
