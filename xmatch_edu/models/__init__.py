"""From pairs to features: the branches that turn a picture, and a text, into D numbers, and their training.

    features    the plainest branches there are: averages
    branches    branches that learn
    training    batch after batch: `fit`, recall at k, the memory of past samples; imported by its own name

How features are compared lives in `scores`, what is learned from them in `losses`.
"""

from xmatch_edu.models.branches import RegionEncoder, TwoBranch, WordEncoder
from xmatch_edu.models.features import colour_features, thumbnail_features

__all__ = ["RegionEncoder", "TwoBranch", "WordEncoder", "colour_features", "thumbnail_features"]
