"""The softmax cross-entropy of a large S, both axes in one walk: a block of rows at a time, its gradient by hand.

Here lives what `losses.matching_loss` stands on, and no public name. The formula itself is in `loops.matching`.

N: images (rows of S)    M: texts (columns of S)
"""

import torch

# So many cells of S are worked on at once: few enough for a CPU's cache, enough to keep a GPU busy.
_CELLS_ON_CPU, _CELLS_ON_GPU = 2**18, 2**26


class CrossEntropy(torch.autograd.Function):
    """The cross-entropies of scale · S along each of its axes, a block of rows at a time.

    Written by hand because the gradient is known, scale · (P − Y): nothing as large as S is kept for it but S itself,
    and the labels where they are weights.
    forward: scores (N, M), scale a 0-d tensor, mask (N, M) bool or None, axes a list of `Axis` -> for each axis its
    losses, (N,) or (M,). No gradient of the gradient (RuntimeError).
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


class Axis:
    """Softmax and matches along one axis of an N×M matrix that comes in blocks of rows.

    dim: 1, along each row; 0, along each column. Of each row (column) it keeps the largest logit seen so far, and the
    sum of exp(logit − largest). The rest of a softmax follows from these two.
    labels: (N,) column numbers, or (N, M) weights. shape: (N, M). dtype: that of the logits.
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
        """A block of rows, a slice -> which of the rows' (columns') numbers it is about."""
        return rows if self.dim == 1 else slice(None)

    def see(self, rows, logits):
        """Take in the logits of one block of rows."""
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
        """Of Σ weight · losses with respect to the logits of one block of rows -> weight · (P − Y), of its shape."""
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
