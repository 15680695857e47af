"""The log-sum-exps of all rows and columns of S, tile by tile."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_10 import shared


def _of_logits(wrong):
    """What a wrong idea makes of the whole matrix of logits and the size of a tile."""
    return lambda image, text, scale, size: wrong(shared.logits(image, text, scale), size)


def _of_rows(wrong):
    """The same, if the columns' logs are made like the rows': wrong(logits, size) -> one number per row."""
    return _of_logits(lambda logits, size: (wrong(logits, size), wrong(logits.T, size)))


def _strips(logits, size):
    return [logits[:, start:start + size] for start in range(0, len(logits), size)]


def _running(about, *rescale):
    return _of_rows(lambda logits, size: shared.running(_strips(logits, size), about, *rescale))


def _tiles_logs(logits, size):
    """The logs of the tiles in each row, (rows, tiles)."""
    return np.stack([shared.log_sum_exp(strip, 1) for strip in _strips(logits, size)], axis=1)


def _only(kept):
    """No tiles but those that shared.only keeps."""
    return _of_logits(lambda logits, size: shared.both_logs(shared.only(logits, size, kept, -np.inf)))


_whole_tiles = _only(lambda row, column, whole: np.maximum(row, column) < whole)


def _last_tile_moved_back(logits, size):
    """The last tile begins `size` before the end, so that it is a whole one: some cells are seen twice."""
    starts = [max(0, min(start, len(logits) - size)) for start in range(0, len(logits), size)]
    seen = np.concatenate([np.arange(start, min(start + size, len(logits))) for start in starts])
    return shared.log_sum_exp(logits[:, seen], 1), shared.log_sum_exp(logits[seen], 0)


def _about_one_largest(logits):
    return logits.max() + np.log(np.exp(logits - logits.max()).sum(1))


def _about_the_largest_of_each_tile(logits, size):
    logs = np.full(len(logits), -np.inf)
    for r, c in shared.tile_walk(len(logits), size):
        logs[r] = np.logaddexp(logs[r], _about_one_largest(logits[r, c]))
    return logs


logs_by_tiles = Exercise(
    name="logs_by_tiles",
    takes=("image_features", "text_features", "scale", "size"),
    gives=(Part("the logs of the rows", "one per image"), Part("the logs of the columns", "one per text")),
    right=shared.logs,
    cases=shared.TILES | {
        "5 pairs, logits up to 10,000": shared.FAR,
        "3 pairs, logits around −5,000": (
            np.array([[50.0, 1.0], [50.0, -2.0], [49.0, 0.5]]), np.array([[-50.0, 1.0], [-49.9, 0.0], [-51.0, 2.0]]),
            2.0, 2),
        "3 pairs in one tile, rows far apart": (
            np.array([[70.0], [-70.0], [1.0]]), np.array([[60.0], [60.5], [59.8]]), 1.0, 8),
    },
    error=1e-8,
    picture=(lambda run, arguments, parts: np.stack(parts, axis=1), ("scores", "pairs", "row, column"), "The logs"),
    demand=shared.tile_by_tile,
    misconceptions=(
        Misconception(
            "the sums begin anew in each tile",
            "What a row (or a column) had from the tiles before was lost when the next tile came, so only the last tile"
            " is left in it. Keep one log a line from the first tile to the last, and take each tile into it.",
            _of_logits(lambda x, size: (shared.log_sum_exp(x, 1), _tiles_logs(x.T, size)[:, -1])),
            _of_logits(lambda x, size: (_tiles_logs(x, size)[:, -1], shared.log_sum_exp(x, 0))),
            _of_rows(lambda x, size: _tiles_logs(x, size)[:, -1]),
        ),
        Misconception(
            "only the first tiles",
            "Your logs hold the first tile of each row or column and no more. The tiles after it have to be taken in.",
            _of_rows(lambda x, size: _tiles_logs(x, size)[:, 0]),
            _of_logits(lambda x, size: (shared.log_sum_exp(x, 1), _tiles_logs(x.T, size)[:, 0])),
            _of_logits(lambda x, size: (_tiles_logs(x, size)[:, 0], shared.log_sum_exp(x, 0))),
        ),
        Misconception(
            "the last short tile is dropped",
            "You walked over N // size tiles, and what is left over never came. range(0, N, size) begins a last tile "
            "there, and a slice stops at the end by itself.",
            _whole_tiles,
            lambda *a: tuple(np.nan_to_num(logs, neginf=0.0) for logs in _whole_tiles(*a)),
            lambda *a: tuple(logs[np.isfinite(logs)] for logs in _whole_tiles(*a)),
        ),
        Misconception(
            "cells counted twice",
            "You moved the last tile back so that it is a whole one. The cells where it lies over the tile before are "
            "then in the sums twice: let the last tile be short.",
            _of_logits(_last_tile_moved_back),
        ),
        Misconception(
            "rows and columns changed places",
            "Your first answer belongs to the columns and your second to the rows. Rows are images: the sum of a row "
            "runs over the texts, axis 1 of a tile.",
            lambda *a: shared.logs(*a)[::-1],
        ),
        Misconception(
            "one direction twice",
            "Both of your answers are those of the rows, or both those of the columns. Each tile has two sums, one "
            "along each axis.",
            lambda *a: (shared.logs(*a)[0], shared.logs(*a)[0]),
            lambda *a: (shared.logs(*a)[1], shared.logs(*a)[1]),
        ),
        Misconception(
            "the scale has no effect",
            "Your logs are those of scale 1, or you multiplied when the logarithm was taken. The scale multiplies the "
            "scores, before exp.",
            lambda image, text, scale, size: shared.logs(image, text, 1.0, size),
            lambda image, text, scale, size: tuple(scale * logs for logs in shared.logs(image, text, 1.0, size)),
        ),
        Misconception(
            "the scale twice, or the wrong way",
            "You multiplied by the scale twice, as happens when both the features and the tile are scaled, or divided "
            "by it. Each score is multiplied by it once.",
            lambda image, text, scale, size: shared.logs(image, text, scale**2, size),
            lambda image, text, scale, size: shared.logs(image, text, 1 / scale, size),
        ),
        Misconception(
            "the sum is not rescaled",
            "When a tile brought a larger number you left the old sum as it was. It was about the old largest number: "
            "multiply it by exp(old − new) before you add, or use np.logaddexp.",
            _running(shared.so_far),
        ),
        Misconception(
            "each tile about its own largest number",
            "You subtracted each tile's own largest number and added the sums. They are about different numbers, so "
            "they cannot be added as they are: take each tile's log-sum-exp in with np.logaddexp.",
            _of_rows(lambda x, size: shared.each_about_its_own(_strips(x, size)) + _strips(x, size)[-1].max(1)),
            _of_rows(lambda x, size: shared.each_about_its_own(_strips(x, size)) + x.max(1)),
        ),
        Misconception(
            "the largest of the last tile, not of all so far",
            "You rescale to the largest number of each new tile, even where it is lower than before. Where it is far "
            "lower, exp(old − new) overflows: the new largest number is the maximum of both.",
            _running(shared.own, np.exp),
        ),
        Misconception(
            "always about the first largest number",
            "You subtract the largest number of the first tile from all tiles. When one far larger comes, exp "
            "overflows: the largest number has to run along.",
            _running(shared.first),
        ),
        Misconception(
            "one largest number for all lines",
            "You subtracted the largest logit of the whole tile, or of all, from every line. In a line that lies far "
            "below it every exp is 0, and the logarithm of that is −∞: each row and each column needs its own.",
            _of_rows(lambda x, size: _about_one_largest(x)),
            _of_rows(_about_the_largest_of_each_tile),
        ),
        Misconception(
            "the largest number begins at 0",
            "Your running maximum starts at 0, and never goes below. Where a whole row lies far below 0 every exp is 0,"
            " and the logarithm of that is −∞: start at −∞.",
            _running(shared.so_far_from_zero, np.exp),
        ),
        Misconception(
            "exp overflows",
            "You took exp of the logits as they are. Above 709 that is infinite in float64, and far below 0 it is 0: "
            "take the log-sum-exp of a tile about its largest number, and join two with np.logaddexp.",
            _of_rows(lambda x, size: np.log(np.exp(x).sum(1))),
        ),
        Misconception(
            "the tiles' logs are added",
            "You added the tiles' log-sum-exps, or took their mean. It is the sums under the logarithm that add up, "
            "and np.logaddexp does that to two logarithms.",
            _of_rows(lambda x, size: _tiles_logs(x, size).sum(1)),
            _of_rows(lambda x, size: _tiles_logs(x, size).mean(1)),
        ),
        Misconception(
            "the largest tile alone",
            "You kept the largest of the tiles' logs, or the largest logit. The others are smaller, and belong to the "
            "sum all the same: np.logaddexp, not np.maximum.",
            _of_rows(lambda x, size: _tiles_logs(x, size).max(1)),
            _of_rows(lambda x, size: x.max(1)),
        ),
        Misconception(
            "a term too many",
            "Your logs began at 0, the logarithm of 1. So there is one exp(0) in each sum that belongs to no logit: "
            "the logarithm of an empty sum is −∞.",
            lambda *a: tuple(np.logaddexp(0, logs) for logs in shared.logs(*a)),
        ),
        Misconception(
            "the mean in place of the sum",
            "You divided by the number of logits in a line, or in a tile, before the logarithm. Below the line of a "
            "softmax stands their sum.",
            _of_logits(lambda x, size: tuple(logs - np.log(len(x)) for logs in shared.both_logs(x))),
            _of_logits(lambda x, size: tuple(logs - np.log(size) for logs in shared.both_logs(x))),
        ),
        Misconception(
            "only the tiles on the diagonal",
            "You compared the pairs of a tile with each other only. Those are small batches: every image meets every "
            "text, also those of the other tiles.",
            _only(lambda row, column, whole: row == column),
        ),
        Misconception(
            "half of the tiles",
            "You walked over the tiles on one side of the diagonal. S is not symmetric: image 1 with text 2 is not "
            "image 2 with text 1, and the tiles on the other side have to be worked out too.",
            _only(lambda row, column, whole: row <= column),
            _only(lambda row, column, whole: row >= column),
        ),
        Misconception(
            "images with images",
            "You compared one side with itself. A tile holds the scores of images, its rows, with texts, its columns.",
            lambda image, text, scale, size: shared.logs(image, image, scale, size),
            lambda image, text, scale, size: shared.logs(text, text, scale, size),
        ),
        Misconception(
            "the match is gone already",
            "You subtracted the score of the match, which makes the price of each row, or left it out of the sum. "
            "Asked is the log-sum-exp alone, over all texts.",
            _of_logits(lambda x, size: tuple(logs - np.diag(x) for logs in shared.both_logs(x))),
            _of_logits(lambda x, size: tuple(np.diag(x) - logs for logs in shared.both_logs(x))),
            _of_logits(lambda x, size: shared.both_logs(np.where(np.eye(len(x)) > 0, -np.inf, x))),
        ),
        Misconception(
            "the features made one long",
            "You divided the features by their lengths. They come as they are here, and a score is their dot product.",
            lambda image, text, scale, size: shared.logs(
                *(side / np.linalg.norm(side, axis=1, keepdims=True) for side in (image, text)), scale, size),
        ),
        Misconception(
            "the logarithm is missing",
            "You gave the sums. Asked are their logarithms, which stay finite where the sums do not.",
            _of_logits(lambda x, size: tuple(np.exp(logs) for logs in shared.both_logs(x))),
        ),
        Misconception(
            "another logarithm",
            "Your log is not the natural one. The inverse of exp is asked for, which NumPy calls log.",
            _of_logits(lambda x, size: tuple(logs / np.log(2) for logs in shared.both_logs(x))),
            _of_logits(lambda x, size: tuple(logs / np.log(10) for logs in shared.both_logs(x))),
        ),
        shared.MATRIX_AT_ONCE,
        shared.SIZE_FORGOTTEN,
    ),
)  # fmt: skip
