"""Chapter 08, training two branches: a split by concept, the mean of a text's words, a step of the temperature, recall
with fair ties, and the recall of the held-out pairs alone."""
