"""One tile of S on an NVIDIA GPU: the product and all that is read off it in one kernel, so that S is never written.

Here live the same two functions as in `passes`, in Triton (the extra `gpu`). The gradient's tile alone is written, in
the features' own dtype: the products that carry it to both sides are the library's.

n: images of the tile    m: texts of the tile    D: features
"""

import torch
import triton
import triton.language as tl

# A program makes a block of so many rows and columns of the tile, adding up so many features at a time.
_SIDE, _DEPTH = 128, 64
# Programs that run together share rows and columns, so that what one has read is still in the cache for the next.
_TOGETHER = 8


def see(image, text, scale, ids, match):
    """As `passes.see` -> the same. What each block says of its rows and columns is written, and joined by torch."""
    (n, m), blocks = (len(image), len(text)), _blocks(image, text)
    # Of each line in each block the largest logit, and the sum of exp about it. They are put together in float64: in a
    # row that is nearly sure of its match the loss is the last digits of the log-sum-exp.
    rows = torch.empty(2, blocks[1], n, dtype=torch.float32, device=image.device)
    columns = torch.empty(2, blocks[0], m, dtype=torch.float32, device=image.device)
    own = torch.empty(n, dtype=torch.float32, device=image.device) if match else None
    _see[(blocks[0] * blocks[1],)](*_inputs(image, text, scale, ids), *rows, *columns, rows if own is None else own,
                                   MATCH=match, CLASSES=ids is not None, **_sizes())  # fmt: skip
    return *((largest + total.double().log()).logsumexp(0) for largest, total in (rows, columns)), own


def gradient(image, text, scale, ids, match, row_log, column_log):
    """As `passes.gradient` -> the same."""
    blocks = _blocks(image, text)
    found = torch.empty(len(image), len(text), dtype=image.dtype, device=image.device)
    _gradient[(blocks[0] * blocks[1],)](*_inputs(image, text, scale, ids), row_log.float(), column_log.float(), found,
                                        MATCH=match, CLASSES=ids is not None, **_sizes())  # fmt: skip
    return found


def _inputs(image, text, scale, ids):
    # Without classes the kernel looks at none, and takes any pointer.
    image_ids, text_ids = (image, text) if ids is None else ids
    scale = scale.to(image.device, torch.float32)
    sizes = len(image), len(text), image.shape[1]
    return image, text, scale, image_ids, text_ids, *sizes, *image.stride(), *text.stride()


def _blocks(image, text):
    return triton.cdiv(len(image), _SIDE), triton.cdiv(len(text), _SIDE)


def _sizes():
    return {"SIDE": _SIDE, "DEPTH": _DEPTH, "TOGETHER": _TOGETHER, "num_warps": 8, "num_stages": 3}


@triton.jit
def _see(image, text, scale, image_ids, text_ids, n, m, d, image_row, image_feature, text_row, text_feature,
         row_largest, row_total, column_largest, column_total, own,
         MATCH: tl.constexpr, CLASSES: tl.constexpr, SIDE: tl.constexpr, DEPTH: tl.constexpr,
         TOGETHER: tl.constexpr):  # fmt: skip
    across, down = _place(n, m, SIDE, TOGETHER)
    rows, columns = down * SIDE + tl.arange(0, SIDE), across * SIDE + tl.arange(0, SIDE)
    logits = _logits(image, text, scale, rows, columns, n, m, d, image_row, image_feature, text_row, text_feature,
                     SIDE, DEPTH)  # fmt: skip
    if MATCH and across == down:
        diagonal = tl.where(rows[:, None] == columns[None, :], logits, 0.0)
        tl.store(own + rows, tl.sum(diagonal, 1), mask=rows < n)
    counts = _counts(image_ids, text_ids, rows, columns, n, m, MATCH, CLASSES)
    logits = tl.where(counts, logits, float("-inf"))
    largest, total = _sum_exp(logits, 1)
    tl.store(row_largest + across * n + rows, largest, mask=rows < n)
    tl.store(row_total + across * n + rows, total, mask=rows < n)
    largest, total = _sum_exp(logits, 0)
    tl.store(column_largest + down * m + columns, largest, mask=columns < m)
    tl.store(column_total + down * m + columns, total, mask=columns < m)


@triton.jit
def _gradient(image, text, scale, image_ids, text_ids, n, m, d, image_row, image_feature, text_row, text_feature,
              row_log, column_log, found,
              MATCH: tl.constexpr, CLASSES: tl.constexpr, SIDE: tl.constexpr, DEPTH: tl.constexpr,
              TOGETHER: tl.constexpr):  # fmt: skip
    across, down = _place(n, m, SIDE, TOGETHER)
    rows, columns = down * SIDE + tl.arange(0, SIDE), across * SIDE + tl.arange(0, SIDE)
    logits = _logits(image, text, scale, rows, columns, n, m, d, image_row, image_feature, text_row, text_feature,
                     SIDE, DEPTH)  # fmt: skip
    along_rows = tl.exp(logits - tl.load(row_log + rows, mask=rows < n, other=0.0)[:, None])
    along_columns = tl.exp(logits - tl.load(column_log + columns, mask=columns < m, other=0.0)[None, :])
    counts = _counts(image_ids, text_ids, rows, columns, n, m, MATCH, CLASSES)
    both = tl.where(counts, along_rows + along_columns, 0.0)
    if MATCH:
        both = tl.where(rows[:, None] == columns[None, :], both - 2.0, both)
    inside = (rows < n)[:, None] & (columns < m)[None, :]
    tl.store(found + rows[:, None] * m + columns[None, :], both.to(found.dtype.element_ty), mask=inside)


@triton.jit
def _place(n, m, SIDE: tl.constexpr, TOGETHER: tl.constexpr):
    """Which block this program makes: TOGETHER rows of blocks are walked side by side, column by column."""
    program, blocks_down, blocks_across = tl.program_id(0), tl.cdiv(n, SIDE), tl.cdiv(m, SIDE)
    band = program // (TOGETHER * blocks_across)
    height = tl.minimum(blocks_down - band * TOGETHER, TOGETHER)
    inside = program % (TOGETHER * blocks_across)
    return inside // height, band * TOGETHER + inside % height


@triton.jit
def _logits(image, text, scale, rows, columns, n, m, d, image_row, image_feature, text_row, text_feature,
            SIDE: tl.constexpr, DEPTH: tl.constexpr):  # fmt: skip
    total = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for start in range(0, d, DEPTH):
        features = start + tl.arange(0, DEPTH)
        left = tl.load(image + rows[:, None] * image_row + features[None, :] * image_feature,
                       mask=(rows < n)[:, None] & (features < d)[None, :], other=0.0)  # fmt: skip
        right = tl.load(text + columns[None, :] * text_row + features[:, None] * text_feature,
                        mask=(columns < m)[None, :] & (features < d)[:, None], other=0.0)  # fmt: skip
        total = tl.dot(left, right, total)
    return total * tl.load(scale)


@triton.jit
def _counts(image_ids, text_ids, rows, columns, n, m, MATCH: tl.constexpr, CLASSES: tl.constexpr):
    """True for each pair of the block that is in the tile, and not left out for its class."""
    counts = (rows < n)[:, None] & (columns < m)[None, :]
    if CLASSES:
        image_id = tl.load(image_ids + rows, mask=rows < n, other=0)
        text_id = tl.load(text_ids + columns, mask=columns < m, other=0)
        apart = image_id[:, None] != text_id[None, :]
        if MATCH:
            apart = apart | (rows[:, None] == columns[None, :])
        counts = counts & apart
    return counts


@triton.jit
def _sum_exp(logits, axis: tl.constexpr):
    """The largest of each row (axis 1) or column (axis 0), and the sum of exp about it; 0 and 0 where all are −∞."""
    largest = tl.max(logits, axis)
    largest = tl.where(largest == float("-inf"), 0.0, largest)
    return largest, tl.sum(tl.exp(logits - tl.expand_dims(largest, axis)), axis)
