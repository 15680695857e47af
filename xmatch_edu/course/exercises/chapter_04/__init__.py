"""Chapter 04: the whole loss from features, its way back, labels after a shuffle, reading a loss, Newton's scale, and a
guard in half precision, in torch."""
