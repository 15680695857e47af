"""The sigmoid loss of S: each pair of image and text a question of its own, yes or no.

N: images (rows of S)    M: texts (columns of S)
"""

from math import exp, fsum, log1p

from xmatch_edu.loops import _shapes
from xmatch_edu.loops.matching import match_matrix


def sigmoid_loss(scores, labels=None, *, scale, bias, mask=None):
    """What each pair pays for its answer to "do you match?", summed over all pairs and divided by N.

    A match pays −log σ(z), a non-match −log σ(−z), with z = scale · S[i, j] + bias and σ(z) = 1 / (1 + exp(−z)).
    No pair is weighed against another: there is no row, no column, and no softmax.

    scores (N, M). bias: a number; about −log of the number of non-matches for each match lets training start where the
    answer is "no" almost everywhere. Arguments: those of `losses.sigmoid_loss`, which also refuses numbers without
    sense -> a float. Errors: ValueError or TypeError naming the argument and the side, where shapes do not fit.
    Source: SigLIP (Zhai et al., ICCV 2023), section 3.2; scale starts at 10, bias at −10 there.
    """
    scores, mask = _shapes.check_batch(scores, mask)
    n, m = scores.shape
    matches = match_matrix(labels, n, m)
    paid = []
    for i in range(n):
        for j in range(m):
            if mask[i, j]:
                continue
            z = scale * scores[i, j] + bias
            toward = z if matches[i, j] > 0 else -z
            # −log σ(toward), written so that exp never overflows.
            paid.append(max(0.0, -toward) + log1p(exp(-abs(toward))))
    return fsum(paid) / n
