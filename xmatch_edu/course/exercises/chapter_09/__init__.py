"""Chapter 09, when the diagonal lies: counting the false negatives of a batch, the floor that they give the loss, the
mask, shared targets, and the sigmoid loss."""
