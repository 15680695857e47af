"""The scores of two rows of features, one multiplication after the other.

N: images (rows of S)    M: texts (columns of S)    D: features
"""

from math import hypot, sqrt

import numpy as np

from xmatch_edu.loops import _shapes


def cosine_scores(image_features, text_features):
    """Cosine of every image with every text: S[i, j] = q_i · d_j / (|q_i| |d_j|).

    image_features (N, D), text_features (M, D) -> (N, M) float64. A zero vector scores 0 with everything.
    Errors: ValueError or TypeError naming the argument and the side, for other shapes or widths and empty input.
    Source: R(Q, D) of question A, read as a plain cosine; CLIP (Radford et al. 2021), figure 3.
    """
    image_features, text_features = _shapes.check_sides(image_features, text_features)
    n, m, d = len(image_features), len(text_features), image_features.shape[1]
    scores = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            dot = image_square = text_square = 0.0
            for k in range(d):
                dot += image_features[i, k] * text_features[j, k]
                image_square += image_features[i, k] ** 2
                text_square += text_features[j, k] ** 2
            if image_square > 0 and text_square > 0:
                scores[i, j] = dot / (sqrt(image_square) * sqrt(text_square))
    return scores


def distance_scores(image_features, text_features):
    """Closeness of every image with every text: S[i, j] = −|q_i − d_j|, the Euclidean distance with a minus sign.

    image_features (N, D), text_features (M, D) -> (N, M) float64, at most 0. Both may be of one view, image with image
    or text with text.
    Errors: as in `cosine_scores`.
    Source: the distance d of Wang, Li and Lazebnik (CVPR 2016), section 3; larger is closer, as for every score here.
    """
    image_features, text_features = _shapes.check_sides(image_features, text_features)
    n, m, d = len(image_features), len(text_features), image_features.shape[1]
    scores = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            # hypot: the square root of the sum of squares
            scores[i, j] = -hypot(*(image_features[i, k] - text_features[j, k] for k in range(d)))
    return scores
