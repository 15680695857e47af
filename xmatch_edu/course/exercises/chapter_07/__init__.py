"""Chapter 07, ranking the batch: what each non-match costs, both directions, the hardest only, distances, several texts
an image, and the loss as Keras calls it, with its gradient, in torch."""
