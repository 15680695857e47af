"""What several exercises of chapter 08 stand on: what counts as found."""

import numpy as np


def found(S):
    """The share of rows whose best column is their own."""
    return (S.argmax(1) == np.arange(len(S))).mean()
