"""xmatch_edu: the N×N score matrix of a batch, and the loss that lights up its diagonal."""

__version__ = "0.1.0"
