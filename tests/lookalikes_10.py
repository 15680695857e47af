"""Wrong answers to the exercises of chapter 10 that look like a known mistake: what each is called, or None."""

import functools

import numpy as np

# ---- running_log_sum_exp


def log_sum_exp(x, axis=0):
    return np.logaddexp.reduce(x, axis=axis)


def two_passes(pieces):
    largest = max(piece.max() for piece in pieces)
    return largest + np.log(sum(np.exp(piece - largest).sum() for piece in pieces))


def rescaled_too_late(pieces):
    """The new piece is added about the new largest number, and then everything is rescaled."""
    largest, total = pieces[0].max(), np.exp(pieces[0] - pieces[0].max()).sum()
    for piece in pieces[1:]:
        higher = max(largest, piece.max())
        total = (total + np.exp(piece - higher).sum()) * np.exp(largest - higher)
        largest = higher
    return largest + np.log(total)


def largest_set_first(pieces):
    """The old largest number is gone when the sum is to be rescaled."""
    largest, total = -np.inf, 0.0
    for piece in pieces:
        largest = max(largest, piece.max())
        total = total * np.exp(largest - largest) + np.exp(piece - largest).sum()
    return largest + np.log(total)


def new_piece_about_the_old(pieces):
    largest, total = pieces[0].max(), 0.0
    for piece in pieces:
        higher = max(largest, piece.max())
        total = total * np.exp(largest - higher) + np.exp(piece - largest).sum()
        largest = higher
    return largest + np.log(total)


def largest_of_each_piece(pieces):
    largest, total = -np.inf, 0.0
    for piece in pieces:
        total = total * np.exp(largest - piece.max()) + np.exp(piece - piece.max()).sum()
        largest = piece.max()
    return largest + np.log(total)


def forgotten_total(pieces):
    largest = -np.inf
    for piece in pieces:
        largest = max(largest, piece.max())
        total = np.exp(piece - largest).sum()
    return largest + np.log(total)


def starts_with_one(pieces):
    """The sum begins at 1, about the first number."""
    largest, total = pieces[0][0], 1.0
    for piece in pieces:
        higher = max(largest, piece.max())
        total = total * np.exp(largest - higher) + np.exp(piece - higher).sum()
        largest = higher
    return largest + np.log(total)


def logaddexp_from_zero(pieces):
    log = 0.0
    for piece in pieces:
        log = np.logaddexp(log, log_sum_exp(piece))
    return log


def zero_at_first(pieces):
    largest, total = 0.0, 0.0
    for piece in pieces:
        higher = max(largest, piece.max())
        total = total * np.exp(largest - higher) + np.exp(piece - higher).sum()
        largest = higher
    return largest + np.log(total)


def piece_by_piece_naive(pieces):
    return functools.reduce(np.logaddexp, [np.log(np.exp(piece).sum()) for piece in pieces])


def kept_and_seen_twice(pieces):
    return two_passes(list(pieces))


def about_the_first_number(pieces):
    largest, total = -np.inf, 0.0
    for piece in pieces:
        higher = max(largest, piece[0])
        total = total * np.exp(largest - higher) + np.exp(piece - higher).sum()
        largest = higher
    return largest + np.log(total)


def only_where_larger(pieces):
    """A piece without a new largest number is not taken in."""
    largest, total = -np.inf, 0.0
    for piece in pieces:
        if piece.max() > largest:
            total = total * np.exp(largest - piece.max()) + np.exp(piece - piece.max()).sum()
            largest = piece.max()
    return largest + np.log(total)


# ---- logs_by_tiles


def walked(new_row=None, new_columns=True, tile_of=None, join=np.logaddexp, short=True):
    """Tile by tile, with one thing wrong."""

    def logs(image, text, scale, size):
        N = len(image)
        end = N if short else N // size * size
        rows, columns = np.full(N, -np.inf), np.full(N, -np.inf)
        for r in range(0, end, size):
            for c in range(0, end, size):
                tile = scale * image[r:r + size] @ text[c:c + size].T if tile_of is None else tile_of(
                    image, text, scale, r, c, size)
                rows[r:r + size] = join(rows[r:r + size], log_sum_exp(tile, 1))
                columns[c:c + size] = join(columns[c:c + size], log_sum_exp(tile, 0))
        return rows, columns

    return logs


def own_size(image, text, scale, size):
    return walked()(image, text, scale, 4)


def size_overwritten(image, text, scale, size):
    size = 4
    return walked()(image, text, scale, size)


def columns_anew(image, text, scale, size):
    """The columns' logs are set to −∞ for each strip of rows."""
    N = len(image)
    rows = np.full(N, -np.inf)
    for r in range(0, N, size):
        columns = np.full(N, -np.inf)
        for c in range(0, N, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] = np.logaddexp(rows[r:r + size], log_sum_exp(tile, 1))
            columns[c:c + size] = np.logaddexp(columns[c:c + size], log_sum_exp(tile, 0))
    return rows, columns


def both_overwritten(image, text, scale, size):
    N = len(image)
    rows, columns = np.zeros(N), np.zeros(N)
    for r in range(0, N, size):
        for c in range(0, N, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size], columns[c:c + size] = log_sum_exp(tile, 1), log_sum_exp(tile, 0)
    return rows, columns


def from_zeros(image, text, scale, size):
    N = len(image)
    rows, columns = np.zeros(N), np.zeros(N)
    for r in range(0, N, size):
        for c in range(0, N, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] = np.logaddexp(rows[r:r + size], log_sum_exp(tile, 1))
            columns[c:c + size] = np.logaddexp(columns[c:c + size], log_sum_exp(tile, 0))
    return rows, columns


def added(image, text, scale, size):
    N = len(image)
    rows, columns = np.zeros(N), np.zeros(N)
    for r in range(0, N, size):
        for c in range(0, N, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] += log_sum_exp(tile, 1)
            columns[c:c + size] += log_sum_exp(tile, 0)
    return rows, columns


def whole(image, text, scale, size):
    S = scale * image @ text.T
    return log_sum_exp(S, 1), log_sum_exp(S, 0)


def no_own_column(image, text, scale, size):
    """The columns' tiles are those of the rows, cut at the same place."""
    rows, columns = np.full((2, len(image)), -np.inf)
    for r in range(0, len(image), size):
        for c in range(0, len(image), size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] = np.logaddexp(rows[r:r + size], log_sum_exp(tile, 1))
            columns[r:r + size] = np.logaddexp(columns[r:r + size], log_sum_exp(tile, 0))
    return rows, columns


def one_largest_a_tile(image, text, scale, size):
    def naive(tile, axis):
        return tile.max() + np.log(np.exp(tile - tile.max()).sum(axis))

    rows, columns = np.full((2, len(image)), -np.inf)
    for r in range(0, len(image), size):
        for c in range(0, len(image), size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] = np.logaddexp(rows[r:r + size], naive(tile, 1))
            columns[c:c + size] = np.logaddexp(columns[c:c + size], naive(tile, 0))
    return rows, columns


def one_largest(image, text, scale, size):
    """About the largest logit of all, which is too large for some rows."""
    S = scale * image @ text.T
    return tuple(S.max() + np.log(np.exp(S - S.max()).sum(axis)) for axis in (1, 0))


# ---- image_gradient_by_tiles


def gradient(image, text, scale, rows, columns, size, match=lambda r, c, tile: 2 * np.eye(*tile.shape) * (r == c),
             add=True, texts=None, half=2.0, by=None, short=True, softmax=None):  # fmt: skip
    """Tile by tile, with one thing wrong."""
    N = len(image)
    out = np.zeros_like(image)
    end = N if short else N // size * size
    for r in range(0, end, size):
        for c in range(0, end, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            weights = np.exp(tile - rows[r:r + size, None]) + np.exp(tile - columns[c:c + size])
            if softmax:
                weights = softmax(tile)
            weights = weights - match(r, c, tile)
            part = weights @ (text[c:c + size] if texts is None else texts(r, c, size, image, text))
            out[r:r + size] = out[r:r + size] + part if add else part
    return scale * out / (half * (by or N))


def changed(**wrong):
    return lambda *a: gradient(*a, **wrong)


def tile_softmax(tile):
    return np.exp(tile - log_sum_exp(tile, 1)[:, None]) + np.exp(tile - log_sum_exp(tile, 0))


def twice_the_diagonal(image, text, scale, rows, columns, size):
    """The match taken off once for each tile of its row."""
    return gradient(image, text, scale, rows, columns, size) - scale / len(image) * text * (-(-len(image) // size) - 1)


def scaled_both(image, text, scale, rows, columns, size):
    return gradient(image * scale, text * scale, 1.0, rows, columns, size)


def gradient_of_own_size(image, text, scale, rows, columns, size):
    return gradient(image, text, scale, rows, columns, 3)


def whole_gradient(image, text, scale, rows, columns, size):
    S = scale * image @ text.T
    G = np.exp(S - rows[:, None]) + np.exp(S - columns) - 2 * np.eye(len(S))
    return scale * G @ text / (2 * len(S))


def no_new_axis(image, text, scale, rows, columns, size):
    N = len(image)
    out = np.zeros_like(image)
    for r in range(0, N, size):
        for c in range(0, N, size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            P = np.exp(tile - rows[r:r + size]), np.exp(tile - columns[c:c + size])
            weights = P[0] + P[1]
            if r == c:
                weights -= 2 * np.eye(len(tile))
            out[r:r + size] += weights @ text[c:c + size]
    return scale * out / (2 * N)


def only_first_column_of_tiles(image, text, scale, rows, columns, size):
    N = len(image)
    out = np.zeros_like(image)
    for r in range(0, N, size):
        tile = scale * image[r:r + size] @ text[:size].T
        weights = np.exp(tile - rows[r:r + size, None]) + np.exp(tile - columns[:size])
        out[r:r + size] = (weights - 2 * np.eye(*tile.shape) * (r == 0)) @ text[:size]
    return scale * out / (2 * N)


# ---- gradient_by_pieces


def right_by_pieces(pieces, weights, wanted):
    inputs = np.concatenate(pieces)
    return inputs.T @ wanted(inputs @ weights)


def embedded(pieces, weights):
    return np.concatenate([piece @ weights for piece in pieces])


def start_stays(pieces, weights, wanted):
    G, start, total = wanted(embedded(pieces, weights)), 0, 0
    for piece in pieces:
        total = total + piece.T @ G[start:start + len(piece)]
    return total


def start_goes_too_soon(pieces, weights, wanted):
    """It is advanced before the rows are cut: the first rows are skipped, and the last piece gets none."""
    G, start, total = wanted(embedded(pieces, weights)), 0, 0
    for piece in pieces:
        start += len(piece)
        total = total + piece.T @ G[start:start + len(piece)]
    return total


def overwritten(pieces, weights, wanted):
    G, start = wanted(embedded(pieces, weights)), 0
    for piece in pieces:
        total = piece.T @ G[start:start + len(piece)]
        start += len(piece)
    return total


def asked_anew(pieces, weights, wanted):
    """All features, but those of the pieces gone are taken for zeros."""
    features, start, total = embedded(pieces, weights), 0, 0
    for piece in pieces:
        end = start + len(piece)
        total = total + piece.T @ wanted(features)[start:end]
        features[start:end] = 0
        start = end
    return total


def filled_as_it_goes(pieces, weights, wanted):
    features, start, total = np.zeros((sum(map(len, pieces)), weights.shape[1])), 0, 0
    for piece in pieces:
        end = start + len(piece)
        features[start:end] = piece @ weights
        total = total + piece.T @ wanted(features)[start:end]
        start = end
    return total


def grown(pieces, weights, wanted):
    features, total = np.zeros((0, weights.shape[1])), 0
    for piece in pieces:
        features = np.concatenate([features, piece @ weights])
        total = total + piece.T @ wanted(features)[-len(piece):]
    return total


LOOKALIKES = {
    "running_log_sum_exp": [
        (two_passes, "the pieces are kept"),
        (lambda pieces: log_sum_exp(np.concatenate(pieces)), "the pieces are kept"),
        (lambda pieces: log_sum_exp([x for piece in pieces for x in piece]), "the pieces are kept"),
        (kept_and_seen_twice, "the pieces are kept"),
        (lambda pieces: two_passes(pieces[:]), "the pieces are kept"),
        (about_the_first_number, "the mean, the first or the last number in place of the largest"),
        (only_where_larger, None),
        (rescaled_too_late, None),
        (largest_set_first, "the sum is not rescaled"),
        (new_piece_about_the_old, None),
        (largest_of_each_piece, "the largest of the last piece, not of all so far"),
        (forgotten_total, None),
        (starts_with_one, "a term too many"),
        (logaddexp_from_zero, "a term too many"),
        (zero_at_first, "the largest number begins at 0"),
        (piece_by_piece_naive, "exp overflows"),
        (lambda pieces: sum(p.max() + np.log(np.exp(p - p.max()).sum()) for p in pieces),
         "the pieces' logs are added"),
        (lambda pieces: max(p.max() for p in pieces) + np.log(sum(map(len, pieces))), None),
        (lambda pieces: log_sum_exp([p.mean() for p in pieces]), None),
        (lambda pieces: np.float32(log_sum_exp(np.concatenate(pieces))), None),
    ],
    "logs_by_tiles": [
        (whole, "the whole matrix at once"),
        (own_size, "tiles of another size"),
        (size_overwritten, "tiles of another size"),
        (columns_anew, "the sums begin anew in each tile"),
        (both_overwritten, "the sums begin anew in each tile"),
        (from_zeros, "a term too many"),
        (added, "the tiles' logs are added"),
        (walked(join=np.maximum), "the largest tile alone"),
        (walked(short=False), "the last short tile is dropped"),
        (walked(join=np.add), None),
        (no_own_column, None),
        (lambda *a: walked()(*a)[::-1], "rows and columns changed places"),
        (lambda image, text, scale, size: walked()(text, image, scale, size), "rows and columns changed places"),
        (walked(tile_of=lambda image, text, scale, r, c, size: scale * image[r:r + size] @ image[c:c + size].T),
         "images with images"),
        (walked(tile_of=lambda image, text, scale, r, c, size: image[r:r + size] @ text[c:c + size].T),
         "the scale has no effect"),
        (walked(tile_of=lambda image, text, scale, r, c, size: (
            scale * image[r:r + size] @ (scale * text[c:c + size]).T)), "the scale twice, or the wrong way"),
        (one_largest, "one largest number for all lines"),
        (one_largest_a_tile, "one largest number for all lines"),
        (lambda image, text, scale, size: walked()(image, text, scale, size)[0], None),
        (lambda *a: tuple(logs + np.log(2) for logs in walked()(*a)), None),
    ],
    "image_gradient_by_tiles": [
        (whole_gradient, "the whole matrix at once"),
        (gradient_of_own_size, "tiles of another size"),
        (changed(add=False), "each tile overwrites the one before"),
        (changed(match=lambda r, c, tile: 2 * np.eye(*tile.shape)), "a match in every tile"),
        (changed(match=lambda r, c, tile: 0), "the match is never subtracted"),
        (changed(match=lambda r, c, tile: np.eye(*tile.shape) * (r == c)),
         "the match subtracted once for both directions"),
        (changed(match=lambda r, c, tile: 2 * np.eye(*tile.shape) * (c == 0)), None),
        (changed(match=lambda r, c, tile: 2 * np.eye(*tile.shape) * (r == c == 0)), "the match only in the first tile"),
        (changed(half=1.0), "the half is forgotten"),
        (changed(short=False), "the last short tile is dropped"),
        (changed(softmax=tile_softmax), "the logs of the tile, not of the row"),
        (changed(texts=lambda r, c, size, image, text: image[c:c + size]), "each side from its own features"),
        (changed(texts=lambda r, c, size, image, text: text[r:r + size]), "the logs or the texts of another tile"),
        (twice_the_diagonal, None),
        (scaled_both, None),
        (only_first_column_of_tiles, None),
        (no_new_axis, "logs laid along the wrong side of a tile"),
        (changed(half=2.0, match=lambda r, c, tile: 2 * np.eye(*tile.shape)[:, ::-1] * (r == c)), None),
        (lambda image, text, scale, rows, columns, size: gradient(image, text, scale, columns, rows, size),
         "rows and columns changed places"),
        (lambda image, text, scale, rows, columns, size: gradient(image, text, scale, rows, columns, size, by=size),
         "divided by the tile, not by the batch"),
    ],
    "gradient_by_pieces": [
        (right_by_pieces, "all pieces at once"),
        (start_stays, "carried back by the wrong piece"),
        (start_goes_too_soon, None),
        (overwritten, "one piece's gradient only"),
        (asked_anew, None),
        (filled_as_it_goes, "asked before all features are there"),
        (grown, "asked before all features are there"),
        (lambda pieces, W, wanted: np.sum([p.T @ wanted(p @ W) for p in pieces], axis=0),
         "each piece asked on its own"),
        (lambda pieces, W, wanted: np.mean([p.T @ wanted(p @ W) for p in pieces], axis=0),
         "each piece asked on its own"),
        (lambda pieces, W, wanted: pieces[-1].T @ wanted(pieces[-1] @ W), None),
        (lambda pieces, W, wanted: wanted(embedded(pieces, W)).T @ np.concatenate(pieces),
         "the gradient lies on its side"),
        (lambda pieces, W, wanted: W - 0.1 * right_by_pieces(pieces, W, wanted), None),
        (lambda pieces, W, wanted: wanted(embedded(pieces, W)), "the gradient of something else"),
        (lambda pieces, W, wanted: right_by_pieces(pieces, W, wanted) + W, "a step, not a gradient"),
    ],
}  # fmt: skip
