"""One wrong answer an exercise, planted into the notebooks by `one_run`."""

# One wrong answer an exercise, as a learner might write it, with what the chapter has at hand -> the name it must get.
WRONG = {
    "cosine_matrix": ("return image_features @ text_features.T", "the lengths are not divided out"),
    "row_probabilities": ("return scale * np.exp(row) / np.exp(row).sum()", "the scale comes after the softmax"),
    "column_probabilities": (
        "positive = np.exp(scale * scores[j])\n    return positive / positive.sum()",
        "a row, not a column",
    ),
    "first_loss": (
        "P = np.exp(scale * scores)\n    P /= P.sum(axis=0)\n    return -np.log(np.diag(P)).sum()",
        "the softmax runs along the wrong axis",
    ),
    "labels_after": ("return p", "the columns' answer"),
    "matrix_loss": ("return ((softmax(S, axis=1) - Y) ** 2).mean()", "the identity as values to be reached"),
    "column_gradient": ("return softmax(S, axis=1) - np.eye(len(S))", "the gradient of the rows"),
    "two_caption_loss": (
        "p = np.exp(row) / np.exp(row).sum()\n    return -np.log(p[0] + p[1])",
        "either one will do",
    ),
    "all_columns": (
        "P = np.exp(S) / np.exp(S).sum(axis=0)\n    return -np.log(np.diag(P)).mean(), (P - np.eye(len(S))) / len(S)",
        "exp overflows",
    ),
    "squared_distances": (
        "return ((images[:, None] - texts[None]) ** 2).sum(axis=-1)",
        "a block in memory",
    ),
    "largest_batches": ("return int((memory / D) ** 0.5), int(memory**0.5)", "numbers counted, not bytes"),
    "every_word_with_every_region": (
        'return np.einsum("nrd,mtd->nmrt", regions, words)',
        "words and regions changed places",
    ),
    "multiples_of_S": (
        "return measure.array_bytes(lambda: rung(np.zeros((N, N)))) / (N * N * 8)",
        "S weighed too",
    ),
    "loss_from_features": (
        "S = scale * F.normalize(image_features, dim=1) @ F.normalize(text_features, dim=1).T\n"
        "    return the_line(S.softmax(dim=1))",
        "probabilities where logits belong",
    ),
    "to_features": ("return G @ q, G.T @ d", "each side from its own features"),
    "shuffled_line": ("return the_line(S)", "the labels did not follow the shuffle"),
    "diagnose": (
        "near = lambda value: abs(loss - value) < 1e-3\n"
        '    if loss == math.nan:\n        return "not a number"\n'
        '    if near(math.log(N)):\n        return "nothing learned"\n'
        '    return "softmax twice" if near(math.log(1 + (N - 1) / math.e)) else "goes on"',
        "NaN compared with ==",
    ),
    "newton": (
        "stored = torch.tensor(math.log(start), dtype=torch.float64, requires_grad=True)\n"
        "    for _ in range(steps):\n"
        "        stored.data -= torch.autograd.grad(the_line(cosines * stored.exp()), stored)[0]\n"
        "    return stored.exp().item()",
        "a gradient step of size 1",
    ),
    "unit_half": ("return x / (x.norm(dim=1, keepdim=True) + 1e-8)", "zero divided by zero"),
    "word_similarities": ("return regions @ words.T", "regions down, words across"),
    "where_words_look": (
        "return softmax(gamma1 * softmax(similarities, axis=1), axis=0)",
        "the two softmaxes changed places",
    ),
    "what_words_see": (
        "return np.array([cosine(regions[attention[t].argmax()], words[t]) for t in range(len(words))])",
        "the brightest region only",
    ),
    "caption_score": ("return np.log(np.exp(gamma2 * cosines[:length]).sum())", "1/γ2 is missing"),
    "every_pair": (
        "return loops.word_region_scores(regions, words, gamma1=gamma1, gamma2=gamma2)",
        "padding counted throughout",
    ),
    "caption_bonus": ("return gamma3 * torch.log(lengths)", "1/γ2 left out of both"),
    "class_mask": ("return class_ids[:, None] == class_ids", "the mask hits the pairs themselves"),
    "masked_probabilities": (
        "return (gamma3 * scores).softmax(dim=1).masked_fill(mask, 0)",
        "set to 0 after the softmax",
    ),
    "both_directions": (
        "P = masked_probabilities(scores, mask, gamma3), masked_probabilities(scores.T, mask.T, gamma3)\n"
        "    return [-(torch.eye(len(scores)) * p.log()).sum() / len(scores) for p in P]",
        "0 times the logarithm of 0",
    ),
    "whole_damsm": (
        "by_words = scores.word_region_scores(regions, words, gamma1=gamma1, gamma2=gamma2)\n"
        "    by_sentences = scores.cosine_scores(image_codes, sentence_codes)\n"
        "    return sum(sum(both_directions(S, class_mask(class_ids), gamma3)) for S in (by_words, by_sentences))",
        "the padding counted",
    ),
    "violations": ("return np.maximum(0, margin + S - np.diag(S))", "the match of the column, not of the row"),
    "two_way_hinge": (
        "costs = violations(S, margin)\n    return costs.sum(axis=1).sum() + costs.sum(axis=0).sum()",
        "one direction twice",
    ),
    "hardest_hinge": (
        "others = S * (1 - np.eye(len(S)))\n"
        "    return sum(np.maximum(0, margin + others.max(axis=axis) - np.diag(S)).sum() for axis in (0, 1))",
        "a number on the diagonal",
    ),
    "distance_hinge": (
        "return violations(np.linalg.norm(image_features[:, None] - text_features, axis=2), margin).sum()",
        "distances taken for scores",
    ),
    "several_texts": ("return violations(S[image_of_text], margin).sum()", "texts of the same image as non-matches"),
    "loss_for_keras": (
        "image_features, text_features = y_pred.chunk(2, dim=1)\n"
        "    S = image_features @ text_features.T\n"
        "    match, others = S.diagonal(), 1 - torch.eye(len(S))\n"
        "    costs = (0.2 + S - match[:, None]).clamp(min=0) + (0.2 + S - match).clamp(min=0)\n"
        "    return (costs * others).sum()",
        "the sum, one number",
    ),
    "split_by_concept": ("return np.arange(len(concepts)) >= len(concepts) - int(share * len(concepts))",
                         "rows are split, not concepts"),
    "mean_of_words": ("return vectors[numbers].mean(axis=1)", "padding is averaged too"),
    "fair_recall": ("return ((S > np.diag(S)[:, None]).sum(axis=1) < k).mean()", "ties are won"),
    "held_out_recall": ("return (S.argmax(axis=1) == np.arange(len(S)))[split == 2].mean()",
                        "the gallery holds the trained texts too"),
    "scale_step": ("return min(largest, scale - rate * slope)", "a step of the scale itself"),
    "false_negatives": ("return int((concepts[:, None] == concepts).sum())", "the diagonal is counted too"),
    "loss_floor": ("return 0.0", "the floor is 0"),
    "false_negative_mask": ("return image_concepts[:, None] == text_concepts", "the matches are masked too"),
    "soft_targets": ("return (1 - share) * np.eye(len(concepts)) + share * (concepts[:, None] == concepts)",
                     "the rows do not add up to 1"),
    "sigmoid_cross_entropy": (
        "z = (2 * Y - 1) * (scale * S + bias)\n    return np.logaddexp(0, -z).mean()",
        "a mean over N×N cells",
    ),
    "running_log_sum_exp": ("return np.log(sum(np.exp(piece).sum() for piece in pieces))", "exp overflows"),
    "logs_by_tiles": (
        "N = len(image_features)\n"
        "    rows, columns = np.zeros(N), np.zeros(N)\n"
        "    for r in range(0, N, size):\n"
        "        for c in range(0, N, size):\n"
        "            tile = scale * image_features[r:r + size] @ text_features[c:c + size].T\n"
        "            rows[r:r + size] = np.logaddexp.reduce(tile, axis=1)\n"
        "            columns[c:c + size] = np.logaddexp.reduce(tile, axis=0)\n"
        "    return rows, columns",
        "the sums begin anew in each tile",
    ),
    "image_gradient_by_tiles": (
        "N, gradient = len(image_features), np.zeros(image_features.shape)\n"
        "    for r in range(0, N, size):\n"
        "        for c in range(0, N, size):\n"
        "            tile = scale * image_features[r:r + size] @ text_features[c:c + size].T\n"
        "            weights = np.exp(tile - rows[r:r + size, None]) + np.exp(tile - columns[c:c + size])\n"
        "            weights -= 2 * np.eye(*tile.shape)\n"
        "            gradient[r:r + size] += weights @ text_features[c:c + size]\n"
        "    return scale * gradient / (2 * N)",
        "a match in every tile",
    ),
    "gradient_by_pieces": ("return sum(piece.T @ wanted(piece @ weights) for piece in pieces)",
                           "each piece asked on its own"),
    "local_labels": ("return np.arange(n)", "the labels of one machine"),
    "local_loss": (
        "S = scale * image_blocks[rank] @ np.concatenate(text_blocks).T\n"
        "    own = np.arange(len(S)) + rank * len(S)\n"
        "    match = S[np.arange(len(S)), own]\n"
        "    rows, columns = np.logaddexp.reduce(S, axis=1), np.logaddexp.reduce(S, axis=0)[own]\n"
        "    return ((rows - match).mean() + (columns - match).mean()) / 2",
        "one direction stays at home",
    ),
    "backward_of_gather": ("return np.array([parts[r][r] for r in range(len(parts))])", "the own part only"),
    "ring_blocks": ("return [(rank + step) % world_size for step in range(world_size)]",
                    "the ring in the other direction"),
    "mean_over_processes": ("return np.mean(losses)", "the plain mean of the losses"),
}
