"""The memory of past samples: more negatives for a small batch.

Here lives what is kept from one batch to the next. What a loss makes of it lives in `losses`.

N: pairs of the batch    n: pairs in the memory    D: features
"""

import torch
from torch import nn

from xmatch_edu import _inputs
from xmatch_edu.labels import same_class_mask
from xmatch_edu.scores import cosine_scores


class SampleMemory(nn.Module):
    """The features of the last samples of both sides, as more negatives for the next batch: a ring buffer.

        for one in memory.directions(image_features, text_features, ids):
            loss = loss + ranking_loss(**one)           # matching_loss takes them too: then half of the sum
        loss.backward()
        memory.remember(image_features, text_features, ids)

    What is remembered is stale: it was computed with the weights of that step, and gets no gradient.
    size: how many samples at most. width: D. dtype: that of the features.
    -> a module whose state_dict holds what it remembers. Move it with `.to`.
    Errors: TypeError or ValueError naming the argument and the side.
    Source: cross-batch memory (Wang, Zhang, Huang and Scott, CVPR 2020), algorithm 1, with two views for one.
    """

    def __init__(self, size, width, *, dtype=torch.float32):
        super().__init__()
        for name, value in (("size", size), ("width", width)):
            if not _inputs.is_count(value):
                raise ValueError(f"{name} of a memory must be an int of at least 1; got {value!r}")
        self.size, self.width, self._written = size, width, 0
        self.register_buffer("_images", torch.zeros(size, width, dtype=dtype))
        self.register_buffer("_texts", torch.zeros(size, width, dtype=dtype))
        self.register_buffer("_ids", torch.zeros(size, dtype=torch.int64))

    def __len__(self):
        """How many samples it holds now: n."""
        return min(self._written, self.size)

    @property
    def image_features(self):
        """(n, D), in no order that means anything."""
        return self._images[: len(self)]

    @property
    def text_features(self):
        """(n, D), in the order of `image_features`."""
        return self._texts[: len(self)]

    @property
    def ids(self):
        """(n,) int64, whose features these are."""
        return self._ids[: len(self)]

    def directions(self, image_features, text_features, ids, score=cosine_scores):
        """The scores of a batch with itself and with the memory: the arguments of a loss, for each direction.

        image_features (N, D), text_features (N, D), pair i in row i of both; ids (N,) integers: a sample is never its
        own negative, so that pairs of one id, in the batch or in the memory, are masked. score: features to S.
        -> [{"scores": (N, N + n), …}, {"scores": (N + n, N), …}], each with labels, mask and direction, for
        `matching_loss` and `ranking_loss`. The batch comes first. In the first, each image of the batch meets all
        texts; in the second, each text of the batch meets all images; the past is an anchor in neither.
        """
        self._check(image_features, text_features, ids)
        count, all_ids = len(ids), torch.cat([ids.long(), self.ids])
        own = torch.arange(count, device=ids.device)
        texts = torch.cat([text_features, self.text_features])
        images = torch.cat([image_features, self.image_features])
        columns = torch.eye(len(images), count, device=ids.device)  # the rows of the past have no match
        return [
            {"scores": score(image_features, texts), "labels": own, "direction": "image_to_text",
             "mask": same_class_mask(all_ids[:count], all_ids, own)},
            {"scores": score(images, text_features), "labels": columns, "direction": "text_to_image",
             "mask": same_class_mask(all_ids, all_ids[:count], columns)},
        ]  # fmt: skip

    @torch.no_grad()
    def remember(self, image_features, text_features, ids):
        """Take in a batch, over the oldest ones where there is no room; of a batch beyond `size` the last ones."""
        self._check(image_features, text_features, ids)
        places = (self._written + torch.arange(len(ids), device=ids.device))[-self.size:] % self.size
        self._images[places] = image_features[-self.size:]
        self._texts[places] = text_features[-self.size:]
        self._ids[places] = ids[-self.size:].long()
        self._written += len(ids)

    def get_extra_state(self):
        return self._written

    def set_extra_state(self, state):
        self._written = state

    def _check(self, image_features, text_features, ids):
        _inputs.check_features(image_features, text_features)
        _inputs.check_one_each("ids", ids, None, "class", "pair")
        for name, side, features in (("image_features", "image", image_features),
                                     ("text_features", "text", text_features)):  # fmt: skip
            _inputs.check_same_device(f"{name} ({side} side)", features, "the memory", self._ids)
            if features.shape != (len(ids), self.width):
                raise ValueError(
                    f"{name} ({side} side) must have one row for each of the {len(ids)} ids and the width of the "
                    f"memory, {self.width}; got shape {tuple(features.shape)}"
                )
            if (kept := self._images.dtype) != features.dtype:
                raise TypeError(f"{name} ({side} side) must have the dtype of the memory, {kept}; got {features.dtype}")
        _inputs.check_same_device("ids", ids, "the memory", self._ids)
