"""Right answers to the exercises of chapter 10, each by another formula: none may be refused."""

import functools
import itertools
import math

import numpy as np
import torch

# ---- running_log_sum_exp


def running_plain(pieces):
    largest, total = -np.inf, 0.0
    for piece in pieces:
        higher = max(largest, piece.max())
        total = total * np.exp(largest - higher) + np.exp(piece - higher).sum()
        largest = higher
    return largest + np.log(total)


def running_logaddexp(pieces):
    log = -np.inf
    for piece in pieces:
        log = np.logaddexp(log, np.logaddexp.reduce(piece))
    return log


def running_reduced(pieces):
    return np.logaddexp.reduce([np.logaddexp.reduce(piece) for piece in pieces])


def running_folded(pieces):
    return functools.reduce(np.logaddexp, (np.logaddexp.reduce(piece) for piece in pieces))


def running_number_by_number(pieces):
    log = -math.inf
    for piece in pieces:
        for x in piece.tolist():
            high, low = max(log, x), min(log, x)
            log = high + math.log1p(math.exp(low - high))
    return log


def running_last_first(pieces):
    log = np.logaddexp.reduce(pieces[-1])
    for piece in pieces[:-1]:
        log = np.logaddexp(log, np.logaddexp.reduce(piece))
    return log


def running_torch(pieces):
    log = torch.tensor(-torch.inf, dtype=torch.float64)
    for piece in pieces:
        log = torch.logaddexp(log, torch.from_numpy(piece).logsumexp(0))
    return log


def running_base_two(pieces):
    log = -np.inf
    for piece in pieces:
        log = np.logaddexp2(log, np.logaddexp2.reduce(piece / math.log(2)))
    return log * math.log(2)


# ---- logs_by_tiles


def log_sum_exp(x, axis):
    high = x.max(axis=axis, keepdims=True)
    return np.squeeze(high, axis) + np.log(np.exp(x - high).sum(axis=axis))


def logs_plain(image_features, text_features, scale, size):
    N = len(image_features)
    rows, columns = np.full(N, -np.inf), np.full(N, -np.inf)
    for r in range(0, N, size):
        for c in range(0, N, size):
            tile = scale * image_features[r:r + size] @ text_features[c:c + size].T
            rows[r:r + size] = np.logaddexp(rows[r:r + size], log_sum_exp(tile, 1))
            columns[c:c + size] = np.logaddexp(columns[c:c + size], log_sum_exp(tile, 0))
    return rows, columns


def logs_slices(image_features, text_features, scale, size):
    slices = [slice(start, start + size) for start in range(0, len(image_features), size)]
    rows, columns = np.full((2, len(image_features)), -np.inf)
    for r, c in itertools.product(slices, repeat=2):
        tile = scale * np.einsum("nd,md->nm", image_features[r], text_features[c])
        np.logaddexp(rows[r], np.logaddexp.reduce(tile, axis=1), out=rows[r])
        np.logaddexp(columns[c], np.logaddexp.reduce(tile, axis=0), out=columns[c])
    return rows, columns


def logs_columns_outside(image_features, text_features, scale, size):
    N, rows, columns = len(image_features), -np.inf, []
    for c in range(0, N, size):
        column = -np.inf
        parts = []
        for r in range(0, N, size):
            tile = text_features[c:c + size] @ image_features[r:r + size].T * scale
            column = np.logaddexp(column, np.logaddexp.reduce(tile, 1))
            parts.append(np.logaddexp.reduce(tile, 0))
        rows = np.logaddexp(rows, np.concatenate(parts))
        columns.append(column)
    return [rows, np.concatenate(columns)]


def logs_array_split(image_features, text_features, scale, size):
    """Both in one array."""
    places = np.split(np.arange(len(image_features)), range(size, len(image_features), size))
    logs = np.full((2, len(image_features)), -np.inf)
    for r in places:
        for c in places:
            tile = scale * (image_features[r] @ text_features[c].T)
            logs[0, r] = np.logaddexp(logs[0, r], np.logaddexp.reduce(tile, axis=1))
            logs[1, c] = np.logaddexp(logs[1, c], np.logaddexp.reduce(tile, axis=0))
    return logs


def logs_loops(image_features, text_features, scale, size):
    N = len(image_features)
    rows, columns = [-math.inf] * N, [-math.inf] * N
    for r in range(0, N, size):
        for c in range(0, N, size):
            for i in range(r, min(r + size, N)):
                for j in range(c, min(c + size, N)):
                    logit = scale * sum(a * b for a, b in zip(image_features[i], text_features[j], strict=True))
                    rows[i] = np.logaddexp(rows[i], logit)
                    columns[j] = np.logaddexp(columns[j], logit)
    return rows, columns


def logs_by_strips(image_features, text_features, scale, size):
    """A whole strip of rows at once, in one piece each: size × N numbers."""
    columns, rows = np.full(len(image_features), -np.inf), []
    for start in range(0, len(image_features), size):
        strip = scale * image_features[start:start + size] @ text_features.T
        rows.extend(strip.max(1) + np.log(np.exp(strip - strip.max(1, keepdims=True)).sum(1)))
        columns = np.logaddexp(columns, np.logaddexp.reduce(strip, axis=0))
    return np.array(rows), columns


def logs_collected(image_features, text_features, scale, size):
    """The logs of all tiles are collected first."""
    starts = range(0, len(image_features), size)
    rows, columns = {start: [] for start in starts}, {start: [] for start in starts}
    for r in starts:
        for c in starts:
            tile = scale * image_features[r:r + size] @ text_features[c:c + size].T
            rows[r].append(np.logaddexp.reduce(tile, axis=1))
            columns[c].append(np.logaddexp.reduce(tile, axis=0))
    return tuple(np.concatenate([np.logaddexp.reduce(logs[start]) for start in starts]) for logs in (rows, columns))


def logs_torch(image_features, text_features, scale, size):
    image, text = torch.from_numpy(image_features), torch.from_numpy(text_features)
    rows, columns = torch.full((2, len(image)), -torch.inf, dtype=torch.float64)
    for r in range(0, len(image), size):
        for c in range(0, len(text), size):
            tile = scale * image[r:r + size] @ text[c:c + size].T
            rows[r:r + size] = torch.logaddexp(rows[r:r + size], tile.logsumexp(1))
            columns[c:c + size] = torch.logaddexp(columns[c:c + size], tile.logsumexp(0))
    return rows, columns


# ---- image_gradient_by_tiles


def gradient_plain(image_features, text_features, scale, rows, columns, size):
    N = len(image_features)
    gradient = np.zeros_like(image_features)
    for r in range(0, N, size):
        for c in range(0, N, size):
            logits = scale * image_features[r:r + size] @ text_features[c:c + size].T
            weights = np.exp(logits - rows[r:r + size, None]) + np.exp(logits - columns[c:c + size])
            if r == c:
                weights -= 2 * np.eye(len(weights))
            gradient[r:r + size] += weights @ text_features[c:c + size]
    return scale * gradient / (2 * N)


def gradient_match_at_the_end(image_features, text_features, scale, rows, columns, size):
    N = len(image_features)
    gradient = -2 * text_features
    for r in range(0, N, size):
        for c in range(0, N, size):
            logits = scale * (image_features[r:r + size] @ text_features[c:c + size].T)
            for logs in (rows[r:r + size, None], columns[None, c:c + size]):
                gradient[r:r + size] += np.exp(logits - logs) @ text_features[c:c + size]
    return gradient * (scale / N / 2)


def gradient_by_numbers(image_features, text_features, scale, rows, columns, size):
    """The match where the number of the row is that of the column."""
    N = len(image_features)
    gradient = np.zeros(image_features.shape)
    for r in np.split(np.arange(N), range(size, N, size)):
        for c in np.split(np.arange(N), range(size, N, size)):
            logits = scale * np.einsum("nd,md->nm", image_features[r], text_features[c])
            own = r[:, None] == c
            weights = (np.exp(logits - rows[r][:, None]) - own) / 2 + (np.exp(logits - columns[c]) - own) / 2
            gradient[r] += np.einsum("nm,md->nd", weights, text_features[c]) * scale / N
    return gradient


def gradient_loops(image_features, text_features, scale, rows, columns, size):
    N, D = image_features.shape
    gradient = np.zeros((N, D))
    for r in range(0, N, size):
        for c in range(0, N, size):
            for i in range(r, min(r + size, N)):
                for j in range(c, min(c + size, N)):
                    logit = scale * float(image_features[i] @ text_features[j])
                    weight = math.exp(logit - rows[i]) + math.exp(logit - columns[j]) - 2 * (i == j)
                    gradient[i] += weight * scale / (2 * N) * text_features[j]
    return gradient.tolist()


def gradient_columns_outside(image_features, text_features, scale, rows, columns, size):
    N = len(image_features)
    gradient = np.zeros_like(image_features)
    for c in range(0, N, size):
        texts = text_features[c:c + size]
        for r in range(0, N, size):
            logits = (scale * texts @ image_features[r:r + size].T).T
            softmaxes = np.exp([logits - rows[r:r + size][:, None], logits - columns[c:c + size][None]])
            gradient[r:r + size] += softmaxes.sum(0) @ texts
    return (gradient / 2 - text_features) * scale / N


def gradient_by_strips(image_features, text_features, scale, rows, columns, size):
    N, parts = len(image_features), []
    for start in range(0, N, size):
        own = np.arange(start, min(start + size, N))
        logits = scale * image_features[own] @ text_features.T
        weights = np.exp(logits - rows[own][:, None]) + np.exp(logits - columns[None, :])
        weights[np.arange(len(own)), own] -= 2
        parts.append(weights @ text_features * scale / (2 * N))
    return np.concatenate(parts)


def gradient_autograd(image_features, text_features, scale, rows, columns, size):
    """The price of a row is log − match, and that of a log is its softmax: a tile at a time, with the logs known."""
    image = torch.tensor(image_features, requires_grad=True)
    text, rows, columns = (torch.from_numpy(x) for x in (text_features, rows, columns))
    N = len(image)
    for r in range(0, N, size):
        for c in range(0, N, size):
            logits = scale * image[r:r + size] @ text[c:c + size].T
            with torch.no_grad():
                weights = (logits - rows[r:r + size, None]).exp() + (logits - columns[c:c + size]).exp()
                if r == c:
                    weights.diagonal().sub_(2)
            (logits * weights).sum().div(2 * N).backward()
    return image.grad


def gradient_of_scaled(image_features, text_features, scale, rows, columns, size):
    """The features carry the scale first, and the chain rule brings it back."""
    return scale * gradient_plain(scale * image_features, text_features, 1.0, rows, columns, size)


# ---- gradient_by_pieces


def pieces_plain(pieces, weights, wanted):
    gradient = wanted(np.concatenate([piece @ weights for piece in pieces]))
    total, start = np.zeros_like(weights), 0
    for piece in pieces:
        total += piece.T @ gradient[start:start + len(piece)]
        start += len(piece)
    return total


def pieces_split(pieces, weights, wanted):
    ends = np.cumsum([len(piece) for piece in pieces])
    parts = np.split(wanted(np.vstack([piece @ weights for piece in pieces])), ends[:-1])
    return sum(piece.T @ part for piece, part in zip(pieces, parts, strict=True))


def pieces_einsum(pieces, weights, wanted):
    gradient = wanted(np.concatenate([np.einsum("np,pd->nd", piece, weights) for piece in pieces]))
    total, at = 0, 0
    for piece in pieces:
        total = total + np.einsum("np,nd->pd", piece, gradient[at:(at := at + len(piece))])
    return total


def pieces_iterator(pieces, weights, wanted):
    gradient = iter(wanted(np.concatenate([piece @ weights for piece in pieces])))
    return sum(piece.T @ np.array([next(gradient) for _ in piece]) for piece in pieces)


def pieces_outer(pieces, weights, wanted):
    """Pair by pair."""
    gradient = wanted(np.array([x @ weights for piece in pieces for x in piece]))
    total = np.zeros(weights.shape)
    for x, slope in zip(itertools.chain.from_iterable(pieces), gradient, strict=True):
        total += np.outer(x, slope)
    return total


def pieces_from_the_end(pieces, weights, wanted):
    gradient = wanted(np.concatenate([piece @ weights for piece in pieces]))
    total, end = np.zeros_like(weights), len(gradient)
    for piece in reversed(pieces):
        total += (gradient[end - len(piece):end].T @ piece).T
        end -= len(piece)
    return total


def pieces_of_a_step(pieces, weights, wanted):
    """A step of size 1, piece by piece, and how far it went."""
    gradient = wanted(np.concatenate([piece @ weights for piece in pieces]))
    moved, start = weights.copy(), 0
    for piece in pieces:
        moved -= piece.T @ gradient[start:start + len(piece)]
        start += len(piece)
    return weights - moved


def pieces_autograd(pieces, weights, wanted):
    weights = torch.tensor(weights, requires_grad=True)
    with torch.no_grad():
        features = torch.cat([torch.from_numpy(piece) @ weights for piece in pieces])
    gradient = torch.from_numpy(wanted(features.numpy())).split([len(piece) for piece in pieces])
    for piece, part in zip(pieces, gradient, strict=True):
        (torch.from_numpy(piece) @ weights).backward(part)
    return weights.grad


RIGHT = {
    "running_log_sum_exp": [running_plain, running_logaddexp, running_reduced, running_folded,
                            running_number_by_number,
                            running_last_first, running_torch,
                            running_base_two],
    "logs_by_tiles": [logs_plain, logs_slices, logs_columns_outside, logs_array_split, logs_loops,
                      logs_by_strips, logs_collected, logs_torch],
    "image_gradient_by_tiles": [gradient_plain, gradient_match_at_the_end, gradient_by_numbers,
                                gradient_loops,
                                gradient_columns_outside, gradient_by_strips, gradient_autograd,
                                gradient_of_scaled],
    "gradient_by_pieces": [pieces_plain, pieces_split, pieces_einsum, pieces_iterator, pieces_outer,
                           pieces_from_the_end, pieces_of_a_step, pieces_autograd],
}  # fmt: skip
