"""The formulas read literally: scalar loops, float64 NumPy. Slow, obvious, and the oracle of everything else.

Here live the scores and the losses, one loop a sum sign, each with the arguments of its fast twin in `scores` or
`losses`. Speed does not live here, nor does torch. S[i, j] is the score of image i with text j, everywhere.
Begin with `matching`.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

from xmatch_edu.loops.damsm import DamsmTerms, damsm_loss, damsm_terms
from xmatch_edu.loops.matching import MatchingSteps, match_matrix, matching_gradient, matching_loss, matching_steps
from xmatch_edu.loops.ranking import RankingSteps, ranking_gradient, ranking_loss, ranking_steps, structure_loss
from xmatch_edu.loops.scores import cosine_scores, distance_scores
from xmatch_edu.loops.sigmoid import sigmoid_loss
from xmatch_edu.loops.words import WordRegionSteps, word_region_scores, word_region_steps

__all__ = [
    "DamsmTerms", "MatchingSteps", "RankingSteps", "WordRegionSteps", "cosine_scores", "damsm_loss", "damsm_terms",
    "distance_scores", "match_matrix", "matching_gradient", "matching_loss", "matching_steps", "ranking_gradient",
    "ranking_loss", "ranking_steps", "sigmoid_loss", "structure_loss", "word_region_scores", "word_region_steps",
]  # fmt: skip
