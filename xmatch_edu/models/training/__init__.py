"""Training two branches, and judging them: batch after batch, recall, the memory of past samples.

Begin with `fit`. What a loss is lives in `losses`, what is trained in `models`.
"""

from xmatch_edu.models.training.fitting import History, TrainingStopped, fit
from xmatch_edu.models.training.memory import SampleMemory
from xmatch_edu.models.training.recall import Recall, gallery_recall, recall_at_k

__all__ = ["History", "Recall", "SampleMemory", "TrainingStopped", "fit", "gallery_recall", "recall_at_k"]
