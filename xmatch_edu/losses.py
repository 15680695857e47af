"""From the score matrix (and labels) to the loss.

Here live the losses, one vectorised function each. They take S as it is: how scores are made lives in `scores`,
what counts as a match in `labels`, the formula read literally in `loops`. `MatchingLoss` is the module to train with.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

import math

import torch
from torch import nn

from xmatch_edu import inputs
from xmatch_edu.labels import same_class_mask
from xmatch_edu.loops import DamsmTerms
from xmatch_edu.scores import cosine_scores, word_region_scores

# So many cells of S are worked on at once: few enough for a CPU's cache, enough to keep a GPU busy.
_CELLS_ON_CPU, _CELLS_ON_GPU = 2**18, 2**26


def matching_loss(scores, labels=None, *, scale=1.0, direction="both", mask=None, reduction="mean"):
    """Softmax cross-entropy of the score matrix with "which text belongs to which image".

    image_to_text: −Σ_j Y[i, j] · log P(text j | image i), a softmax along each row; text_to_image: along each column.

    scores (N, M), floating, finite; half precision is raised to float32 before scaling, and the loss is float32 then.
    labels: None (N = M, text i belongs to image i), (N,) integers (text labels[i] belongs to image i), or (N, M)
        weights ≥ 0 (identity, several matches, soft). Each direction divides the weights by their sum along its own
        axis; a row or column without a match is left out.
    scale: positive float or 0-d tensor (it may require grad): the paper's γ3, CLIP's exp(logit_scale), 1/τ.
    direction: "image_to_text", "text_to_image" or "both" (their average).
    mask (N, M) bool: True leaves the pair out of the softmax.
    reduction: "mean" over rows (columns) that have a match, "sum", or "none" (one direction only; 0 without a match).
    -> 0-d tensor, or (N,) / (M,) for "none". With N = M = 1 the loss is 0. Its gradient, to scores and scale, is
    worked out by hand, so a gradient of the gradient is an error.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only; on a GPU,
    where a look would wait for the device, labels without any match give NaN.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2; the average of both directions: CLIP (2021), figure 3.
    """
    largest = inputs.check_scores(scores, torch.Tensor)
    inputs.check_direction_and_reduction(direction, reduction)
    scale = inputs.check_scale(scale, scores, largest)
    inputs.check_labels(labels, scores)
    inputs.check_mask(mask, scores, labels)
    dtype = torch.promote_types(scores.dtype, torch.float32)
    if not isinstance(scale, torch.Tensor):
        scale = torch.full((), scale, dtype=dtype, device=scores.device)
    if labels is None:
        labels = torch.arange(len(scores), device=scores.device)
    dims = {"image_to_text": (1,), "text_to_image": (0,), "both": (1, 0)}[direction]
    axes = [_Axis(dim, labels, scores.shape, dtype) for dim in dims]
    losses = _CrossEntropy.apply(scores, scale, mask, axes)
    if reduction == "none":
        return losses[0]
    totals = [loss.sum() for loss in losses]
    if reduction == "mean":
        totals = [total / axis.has_match.sum() for total, axis in zip(totals, axes, strict=True)]
    return sum(totals) / len(totals)


class MatchingLoss(nn.Module):
    """`matching_loss` of cosine scores, with a scale that is learned.

    scale: where it starts, 1/0.07 in CLIP; largest_scale: what it never exceeds, 100 in CLIP; direction as above.
    forward: image_features (N, D), text_features (M, D), and labels and mask as above -> 0-d tensor, a mean.
    Errors: ValueError for a scale that is not positive or exceeds the largest; those of the functions it calls.
    Source: CLIP (Radford et al. 2021), section 2.5.
    """

    def __init__(self, *, scale=1 / 0.07, largest_scale=100.0, direction="both"):
        super().__init__()
        inputs.check_choice("direction", direction, inputs.DIRECTIONS)
        if not 0 < scale <= largest_scale < math.inf:
            raise ValueError(f"scale must be positive and at most largest_scale; got {scale} and {largest_scale}")
        # Its logarithm: then every step of training keeps it positive, and multiplies it by about the same.
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.largest_scale, self.direction = largest_scale, direction

    def forward(self, image_features, text_features, labels=None, mask=None):
        # The stored number itself. A clamp on the way to the loss would have gradient 0 beyond the bound: a scale that
        # had once gone there could never come back.
        self.logit_scale.data.clamp_(max=math.log(self.largest_scale))
        scores = cosine_scores(image_features, text_features)
        scale = self.logit_scale.exp()
        return matching_loss(scores, labels, scale=scale, direction=self.direction, mask=mask)


def damsm_terms(regions, words, image_codes, sentence_codes, lengths=None, *, class_ids=None,
                gamma1=5.0, gamma2=5.0, gamma3=10.0, divide_by_gamma2=True):  # fmt: skip
    """The four terms of `damsm_loss`, whose arguments these are -> DamsmTerms of 0-d tensors."""
    gamma3, = inputs.check_gammas(gamma3=gamma3)
    by_words = word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2, divide_by_gamma2=divide_by_gamma2)
    inputs.check_pairs(regions, words, image_codes, sentence_codes, class_ids, torch.Tensor)
    mask = None if class_ids is None else same_class_mask(class_ids)
    return DamsmTerms(*(
        matching_loss(scores, scale=gamma3, direction=direction, mask=mask)
        for scores in (by_words, cosine_scores(image_codes, sentence_codes))
        for direction in ("image_to_text", "text_to_image")
    ))  # fmt: skip


def damsm_loss(regions, words, image_codes, sentence_codes, lengths=None, **options):
    """The DAMSM loss: matching by words and regions, and by whole sentences, in both directions; four means, added.

    regions (N, R, D), words (N, T, D), image_codes (N, E), sentence_codes (N, E): pair i is image i and text i, for
    whatever N this batch has. lengths (N,) integers, gamma1 (5), gamma2 (5), divide_by_gamma2 (True): as in
    `word_region_scores`. gamma3 (10): what the scores of both kinds are multiplied by before the softmax. class_ids
    (N,) integers: the texts of an image's own class, but for its own text, are left out of its softmax, and likewise
    the images of a text. -> 0-d tensor. The terms one by one: `damsm_terms`.
    AttnGAN's published code is gamma1=4, divide_by_gamma2=False.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN (Xu et al., CVPR 2018), equations 10 to 13, as means over the batch where the paper has sums; the
    class mask: its published code.
    """
    return sum(damsm_terms(regions, words, image_codes, sentence_codes, lengths, **options))


class _CrossEntropy(torch.autograd.Function):
    """The cross-entropies of scale · S along each of its axes, a block of rows at a time.

    Written by hand because the gradient is known, scale · (P − Y): nothing as large as S is kept for it but S itself,
    and the labels where they are weights.
    """

    @staticmethod
    def forward(ctx, scores, scale, mask, axes):
        ctx.save_for_backward(scores, scale, mask)
        ctx.axes = axes

        def logits(where):
            return _logits(scores, scale, mask, where)

        for rows in _blocks(scores):
            block = logits(rows)
            for axis in axes:
                axis.see(rows, block)
        return tuple(axis.losses(logits, _blocks(scores)) for axis in axes)

    @staticmethod
    def backward(ctx, *weights):
        if torch.is_grad_enabled():  # only under create_graph=True, where what follows would silently be left out
            raise RuntimeError("matching_loss has no gradient of its gradient (create_graph=True)")
        scores, scale, mask = ctx.saved_tensors
        gradient = torch.empty_like(scores)
        # Only where it is asked for: a scale that is a plain number would have to be waited for on a GPU.
        scale_gradient = torch.zeros_like(ctx.axes[0].total[0, 0]) if ctx.needs_input_grad[1] else None
        for rows in _blocks(scores):
            logits = _logits(scores, scale, mask, rows)
            axes = zip(ctx.axes, weights, strict=True)
            block, *more = (axis.gradient(rows, logits, weight) for axis, weight in axes)
            for other in more:
                block += other
            if scale_gradient is not None:
                scale_gradient += (block * scores[rows]).sum()
            torch.mul(block, scale, out=gradient[rows])
        return gradient, None if scale_gradient is None else scale_gradient.to(scale), None, None


class _Axis:
    """Softmax and matches along one axis of an N×M matrix that comes in blocks of rows.

    dim: 1, along each row; 0, along each column. Of each row (column) it keeps the largest logit seen so far, and the
    sum of exp(logit − largest). The rest of a softmax follows from these two.
    """

    def __init__(self, dim, labels, shape, dtype):
        self.dim, self.shape = dim, shape
        one_each = (shape[0], 1) if dim == 1 else (1, shape[1])
        self.largest = torch.full(one_each, -torch.inf, dtype=dtype, device=labels.device)
        # What many blocks add to, one after the other, is kept in float64 where the device has it.
        wide = dtype if labels.device.type == "mps" else torch.float64
        self.total = torch.zeros_like(self.largest, dtype=wide)
        # Y: weights that sum to 1 along the axis; where the labels are column numbers, only those of the N matches.
        if labels.ndim == 1:
            self.columns = labels.to(torch.int64, copy=True)  # the caller may change his before the way back
            self.y = torch.ones(shape[0], dtype=dtype, device=labels.device)
            self.has_match = self.y > 0
            if dim == 0:  # column j: the average over the images whose text is j
                images = self.y.new_zeros(shape[1]).index_add(0, self.columns, self.y)
                self.y, self.has_match = 1 / images[self.columns], images > 0
        else:
            self.columns = None
            weights = labels.detach().to(torch.promote_types(labels.dtype, dtype))
            # Divided by the largest first, so that very small or very large weights sum neither to 0 nor to infinity.
            most = weights.amax(dim, keepdim=True)
            weights = (weights / torch.where(most > 0, most, 1)).to(dtype)
            self.y = weights / torch.where(most > 0, weights.sum(dim, keepdim=True), 1)
            self.has_match = (most > 0).squeeze(dim)

    def mine(self, rows):
        """Which of the rows' (columns') numbers a block of rows is about."""
        return rows if self.dim == 1 else slice(None)

    def see(self, rows, logits):
        """Take in one block of rows."""
        mine = self.mine(rows)
        before = self.largest[mine]
        largest = torch.maximum(before, logits.amax(self.dim, keepdim=True))
        fresh = (logits - largest).exp_().sum(self.dim, keepdim=True)
        self.total[mine] = self.total[mine] * (before - largest).exp() + fresh
        self.largest[mine] = largest

    def losses(self, logits, blocks):
        """−Σ Y · log P of each row (column) -> (N,) or (M,). logits: a function of the place in the matrix."""
        below = torch.zeros_like(self.total).squeeze(self.dim)  # Σ Y · (largest − logit); log total is added last
        if self.columns is None:
            for rows in blocks:
                mine = self.mine(rows)
                below[mine] += (self.y[rows] * (self.largest[mine] - logits(rows))).sum(self.dim)
        else:
            matches = torch.arange(len(self.columns), device=self.columns.device), self.columns
            gaps = self.largest.expand(self.shape)[matches] - logits(matches)
            below.index_add_(0, matches[1 - self.dim], (self.y * gaps).to(below.dtype))
        losses = below + self.total.log().squeeze(self.dim)
        return torch.where(self.has_match, losses, 0).to(self.y.dtype)

    def gradient(self, rows, logits, weight):
        """Of Σ weight · losses with respect to the logits of one block of rows: weight · (P − Y)."""
        mine = self.mine(rows)
        weight = torch.where(self.has_match, weight, 0).unsqueeze(self.dim)
        share = (weight[mine] / self.total[mine]).to(logits.dtype)
        gradient = (logits - self.largest[mine]).exp_().mul_(share)  # weight · P
        weight = weight.expand(self.shape)[rows]
        if self.columns is None:
            return gradient.sub_(self.y[rows] * weight)
        columns = self.columns[rows, None]
        return gradient.scatter_add_(1, columns, -self.y[rows, None] * weight.gather(1, columns))


def _logits(scores, scale, mask, where):
    """scale · S at `where`, in float32 at least; what the mask leaves out is as low as can be."""
    logits = scores[where].to(torch.promote_types(scores.dtype, torch.float32)) * scale
    # Not −inf: in a row that is masked from end to end, −inf − (−inf) would be NaN.
    return logits if mask is None else logits.masked_fill_(mask[where], torch.finfo(logits.dtype).min)


def _blocks(scores):
    """The rows of S in slices of about as many cells as the device works on well."""
    n, m = scores.shape
    step = max(1, (_CELLS_ON_CPU if scores.device.type == "cpu" else _CELLS_ON_GPU) // m)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
