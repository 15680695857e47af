"""One tile of S: made by a matrix product, read, and forgotten.

Here lives what is done with a tile, in torch, on any device; `kernel` has the same two functions for a GPU.

image (n, D), text (m, D): the tile's. scale: a 0-d tensor. ids: None, or the classes of both, (n,) and (m,). match:
True where text i of the tile belongs to image i of it, so that the matches stand on its diagonal.

n: images of the tile    m: texts of the tile    D: features
"""

import torch

# exp(−80) is a normal number of float32 still: in a tile whose logits lie closer together than this, one exp about the
# largest logit serves all rows and all columns.
_CLOSE = 80.0


def see(image, text, scale, ids, match):
    """-> the log-sum-exps of the tile's rows (n,) and columns (m,), −∞ where all is left out; the matches' logits (n,)
    or None."""
    logits = product(image, text.T).mul_(scale)
    own = logits.diagonal().clone() if match else None
    left_out, high = _left_out(ids, match), _high(logits)
    if high is None:
        if left_out is not None:
            logits.masked_fill_(left_out, -torch.inf)
        rows, columns = (_log_sum_exp(logits, dim) for dim in (1, 0))
    else:
        shares = logits.sub_(high).exp_()
        if left_out is not None:
            shares.masked_fill_(left_out, 0)
        rows, columns = (high + shares.sum(dim).to(wide(logits)).log() for dim in (1, 0))
    return rows, columns, own


def gradient(image, text, scale, ids, match, row_log, column_log):
    """-> P(text | image) + P(image | text) − 2Y of the tile, (n, m), in the features' dtype.

    row_log (n,), column_log (m,): the log-sum-exps of the whole rows and columns.
    """
    logits = product(image, text.T).mul_(scale)
    left_out, high = _left_out(ids, match), _high(logits)
    if high is None:
        along_rows = (logits - row_log[:, None].to(logits)).exp_()
        found = along_rows.add_(logits.sub_(column_log.to(logits)).exp_())
    else:
        # A log-sum-exp further below than this belongs to a line of which all is left out here.
        by_row, by_column = ((high - log).clamp(max=_CLOSE).exp().to(logits) for log in (row_log, column_log))
        found = logits.sub_(high).exp_().mul_(by_row[:, None] + by_column)
    if left_out is not None:
        found.masked_fill_(left_out, 0)
    if match:
        found.diagonal().sub_(2)  # here, not at the end: where P is nearly 1, only this difference is left
    return found.to(image.dtype)


def _log_sum_exp(logits, dim):
    """The largest logit and the logarithm are added in the wide dtype: in a row that is nearly sure of its match the
    loss is their last digits."""
    high = logits.amax(dim, keepdim=True)
    high = torch.where(high == -torch.inf, 0, high)
    return high.squeeze(dim) + (logits - high).exp_().sum(dim).to(wide(logits)).log()


def product(left, right):
    """left @ right, summed in float32 at least -> that dtype."""
    if left.dtype == torch.bfloat16:
        return torch.mm(left, right, out_dtype=torch.float32)
    return left @ right


def wide(x):
    """The dtype for what many tiles of x add to -> float64, where the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def _left_out(ids, match):
    """True where a pair shares a class but is no match; None where there are no classes."""
    if ids is None:
        return None
    same = ids[0][:, None] == ids[1]
    return same.fill_diagonal_(False) if match else same


def _high(logits):
    """The largest logit, where all are close to it; else None. On a GPU None: to look would mean to wait for it."""
    if logits.device.type != "cpu":
        return None
    low, high = (end.item() for end in logits.aminmax())
    return high if high - low < _CLOSE else None
