"""Live pictures: what moves under your hand in a notebook. Still pictures live in `plots`."""

from xmatch_edu.explore.attention import AttentionExplorer
from xmatch_edu.explore.film import TrainingFilm
from xmatch_edu.explore.matching import MatchingExplorer
from xmatch_edu.explore.search import SearchExplorer
from xmatch_edu.explore.tiles import TileWalk

__all__ = ["AttentionExplorer", "MatchingExplorer", "SearchExplorer", "TileWalk", "TrainingFilm"]
