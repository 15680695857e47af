"""What is done inside one tile, between its matrix products: exp, and sums along both axes.

Each function takes a tile of logits, (n, m) in float32 or float64, and may overwrite it.
left_out (n, m) bool: True where a pair counts for nothing; None where all count.
"""

import torch

# exp(−80) is a normal number of float32 still: in a tile whose logits lie closer together than this, one exp about the
# largest logit serves all rows and all columns.
_CLOSE = 80.0


def nothing_seen(features):
    """The log-sum-exp of each row before the first tile: −∞, (N,), in float64 where the device has it."""
    wide = torch.float32 if features.device.type == "mps" else torch.float64
    return torch.full((len(features),), -torch.inf, dtype=wide, device=features.device)


def see(logits, left_out):
    """The log-sum-exp of each row (n,) and of each column (m,) of the tile; −∞ where everything is left out."""
    wide = nothing_seen(logits).dtype
    high = _high(logits)
    if high is None:
        if left_out is not None:
            logits.masked_fill_(left_out, -torch.inf)
        return [logits.logsumexp(dim).to(wide) for dim in (1, 0)]
    shares = logits.sub_(high).exp_()
    if left_out is not None:
        shares.masked_fill_(left_out, 0)
    return [high + shares.sum(dim).to(wide).log() for dim in (1, 0)]


def probabilities(logits, left_out, row_log, column_log):
    """P(text | image) + P(image | text) of the tile, given the log-sum-exp of each of its whole rows and columns."""
    high = _high(logits)
    if high is None:
        along_rows = (logits - row_log[:, None].to(logits)).exp_()
        found = along_rows.add_(logits.sub_(column_log.to(logits)).exp_())
    else:
        # A log-sum-exp further below than this belongs to a line of which all is left out here.
        by_row, by_column = ((high - log).clamp(max=_CLOSE).exp().to(logits) for log in (row_log, column_log))
        found = logits.sub_(high).exp_().mul_(by_row[:, None] + by_column)
    return found if left_out is None else found.masked_fill_(left_out, 0)


def _high(logits):
    """The largest logit, where all are close to it; else None. On a GPU None: to look would mean to wait for it."""
    if logits.device.type != "cpu":
        return None
    low, high = (end.item() for end in logits.aminmax())
    return high if high - low < _CLOSE else None
