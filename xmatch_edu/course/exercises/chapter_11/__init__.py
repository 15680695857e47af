"""Chapter 11, many machines: the labels and the loss of one process, the way back through a gather, the ring, and a
mean over processes of unequal size."""
