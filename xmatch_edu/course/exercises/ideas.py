"""Wrong ideas that more than one exercise meets: (name, what happened and why it is another thing).

What each idea computes stands beside its exercise, in the chapter's file. The softmax below is for those versions.
"""

import numpy as np

SCALE_DIVIDED = (
    "the scale divides instead of multiplying",
    "You divided the scores by the scale. That is right for a temperature, which is 1 / scale: a larger scale must "
    "make the probabilities sharper, and yours get flatter.",
)
SCALE_AFTER = (
    "the scale comes after the softmax",
    "You multiplied by the scale when the softmax was done: the probabilities, or the loss. It belongs inside exp, on "
    "the scores, where it stretches the differences between them.",
)
SCALE_FORGOTTEN = (
    "the scale has no effect",
    "Your answer is that of scale 1 for every scale. Either the scale is not used, or it is added to the scores, or it"
    " multiplies both the part above the line and the part below, and cancels: it multiplies the scores, inside exp.",
)
NO_SUM = (
    "the division by the sum is missing",
    "exp makes each score positive, but these numbers do not add up to 1 yet. Divide by the sum of all of them: that "
    "is what makes the candidates compete.",
)
NO_EXP = (
    "the exp is missing",
    "You divided the scores themselves by their sum. Scores can be negative, and then so are your probabilities: exp "
    "makes each one positive first.",
)
SOFTMAX_TWICE = (
    "a softmax of a softmax",
    "Your scores went through the softmax twice. The second one sees numbers between 0 and 1 in place of scores, and "
    "what it gives is the probability of nothing any more.",
)
WHOLE_MATRIX = (
    "one sum for the whole matrix",
    "You divided by the sum over all cells. Then all of them share one probability of 1 among them, and not each row"
    " (or column) its own: along which axis do the candidates stand?",
)
OTHER_LOGARITHM = (
    "another logarithm",
    "Your log is not the natural one: base 2 makes the loss 1.44 times as large, base 10 makes it 0.43 times. The "
    "formula means the inverse of exp, which NumPy and torch call log.",
)
MISSING_MINUS = (
    "the minus is missing",
    "Right in size, wrong in sign. The log of a probability is negative, and a loss should be small when things are "
    "good: put a minus before it.",
)
MEAN_FOR_SUM = (
    "the mean in place of the sum",
    "You divided by N, and here the sum is asked for, as in the paper. Which model is best does not depend on it, but "
    "the number and the size of the gradient do.",
)
SUM_FOR_MEAN = (
    "the sum in place of the mean",
    "You added up all pairs, and here their mean is asked for. The sum grows with the batch, so it cannot be held "
    "against ln N.",
)
MEAN_OVER_N2 = (
    "a mean over N×N cells",
    "You took the mean over all cells of the matrix. Only one cell a row is a match, and the zeros count in your mean:"
    " it comes out too small by the number of columns. Divide by the number of images.",
)
WRONG_AXIS = (
    "the softmax runs along the wrong axis",
    "Your numbers are those of a softmax down the columns; or you turned S over first, and nothing can tell the two "
    "apart. A row asks which text belongs to this image, a column asks which image belongs to this text.",
)
P_FOR_LOG = (
    "P in place of −log P",
    "You added up probabilities, not prices. A picture that is sure and wrong must pay much more than one that is "
    "merely unsure, and that is what the log does.",
)
LABELS_STAY = (
    "the labels did not follow the shuffle",
    "You took the diagonal, the labels of the old order. The texts have moved, so the label of an image is the column "
    "where its own text stands now.",
)
LABELS_ZERO = (
    "every label is 0",
    "You say that column 0 is right for every image. The label is the number of the column in which the image's own "
    "text stands, another one for each image.",
)
LABELS_ONE = (
    "every label is 1",
    "A label is not a tick that says yes: it is the number of a column, and you gave column 1 to every image. Each "
    "image needs the column in which its own text stands.",
)
LABELS_REVERSED = (
    "the labels run backwards",
    "Your labels count down from N − 1 to 0. Nothing runs backwards in this batch: the label of an image is the column"
    " in which its own text stands.",
)
LABELS_SHIFTED = (
    "the labels are shifted by one",
    "Your labels are 1, 2 and so on, with 0 at the end: one more than the number of the image. Columns are counted "
    "from 0, and the label is the column in which the image's own text stands.",
)
MSE = (
    "the identity as values to be reached",
    "You compared each cell with 0 or 1 by squared differences. The identity does not say what value a cell should "
    "have, it says which column is the right answer: only −log P of that column counts.",
)
BCE = (
    "N×N separate yes-or-no questions",
    "That is binary cross-entropy: each cell is asked on its own, match or no match, the wrong ones too. The formula "
    "asks one question a row, and only −log P of its answer counts. (Binary is a loss too, another one: it needs a "
    "sigmoid and a bias.)",
)
OWN_LEFT_OUT = (
    "the right text (the diagonal) is left out below the line",
    "The sum below the line must hold the right text too: it runs over every text j. Without it the fraction is no "
    "probability any more and may exceed 1.",
)
ROWS_ONLY = (
    "one direction only",
    "You asked only which text belongs to each image (or only which image belongs to each text). Both are asked for "
    "here: the second is the same line with S turned over.",
)
ADDED = (
    "both directions added, not averaged",
    "Both directions are there, but their sum is twice their average. With the average the number can be held against "
    "ln N.",
)
DETACHED = (
    "the value is right, and no gradient comes back",
    "Somewhere your numbers left torch's record: .item(), .detach(), float(), .numpy() or torch.tensor(…) of a tensor "
    "does that. The loss looks right on the screen, and training with it changes nothing.",
)
NO_LENGTHS = (
    "the lengths are not divided out",
    "These are dot products, not cosines. A picture with large numbers then scores high with everything: divide by "
    "both lengths.",
)
ONE_LENGTH = (
    "only one side is divided by its length",
    "One of the two sides keeps its length, so its long vectors score higher than they should. A cosine divides by "
    "both lengths, the image's and the text's.",
)
BATCH_AXIS = (
    "the lengths run over the batch, not over the features",
    "You made each feature's column of length 1, over all samples of the batch. A vector's length is taken over its "
    "own D numbers, so that one picture's score does not depend on the others.",
)

ALWAYS_THREE = (
    "always scale 3",
    "You wrote the chapter's 3 into the formula. The scale is an argument, and other scales are asked for too.",
)
NO_SOFTMAX = (
    "no softmax at all",
    "You added up the scores of the matches. What the wrong texts score must count too: it is the sum below the line, "
    "and without it every score would simply be pushed up.",
)
BOTH_DIRECTIONS = (
    "both questions at once",
    "You also counted the columns. Asked are the rows only: which text belongs to this image?",
)

MASK_IGNORED = (
    "nothing is left out",
    "Your numbers are those without the mask. The pairs that it marks are still in the sums: they must be gone before "
    "the softmax.",
)
MASK_ZERO = (
    "a score of 0 in place of −inf",
    "The pairs that are left out got the score 0. That is a score like any other, and exp(0) is 1, so they still take "
    "their part: −inf is the score whose exp is 0.",
)
MASK_HITS_PAIRS = (
    "the mask hits the pairs themselves",
    "You left out the diagonal too. That is the right text of each image: it must stay in its own softmax, or there is "
    "no right answer left.",
)
NO_FINITE_LOSS = (
    "no finite loss",
    "Your loss is infinite, or no number. Three ways lead there: the diagonal is in the mask, or the mask is turned "
    "round and marks what stays, and in both the right text is left out, P = 0; or you multiplied the mask by −inf, "
    "and 0 · (−inf) is NaN.",
)
ZERO_TIMES_LOG = (
    "0 times the logarithm of 0",
    "Where the mask leaves a pair out, P is 0 and log P is −inf. You multiplied that by the 0 of the match matrix (so "
    "does cross_entropy, if its labels are a matrix), and 0 · (−inf) is NaN: pick the right texts by the diagonal, or "
    "by their column numbers.",
)
GAMMA3_FORGOTTEN = (
    "γ3 has no effect",
    "Your answer is that of γ3 = 1 for every γ3. It multiplies the scores before the softmax, and stretches the "
    "differences between them.",
)
GAMMA3_DIVIDES = (
    "γ3 divides instead of multiplying",
    "You divided the scores by γ3. That is right for a temperature, which is 1/γ3: a larger γ3 must make the "
    "probabilities sharper, and yours get flatter.",
)
GAMMA3_AFTER = (
    "γ3 comes after the softmax",
    "You multiplied by γ3 when the softmax was done: the probabilities, or the loss. It belongs before it, on the "
    "scores, where it stretches the differences between them.",
)

NO_CLAMP = (
    "nothing stops at 0",
    "You left out max(0, …). A non-match that is far enough behind then pays something back, and the loss has no lower "
    "end: what is good enough costs 0, and not less.",
)
CLAMP_TURNED = (
    "min in place of max",
    "You kept what is below 0 and dropped what is above it. A violation is the part above 0: max(0, …).",
)
DIAGONAL_COUNTED = (
    "the diagonal counted",
    "You compared each match with itself too. The difference is 0 there, so that each of them costs the margin, "
    "whatever the model does: leave the diagonal out.",
)
MARGIN_SUBTRACTED = (
    "the margin subtracted",
    "With −margin a non-match may be ahead of the match by that much, and costs nothing. The match is what must be "
    "ahead: the margin is added to the non-match's side.",
)
MARGIN_MISSING = (
    "the margin has no effect",
    "Your answer is that of margin 0. A match that is ahead by less than the margin still has something to pay: add "
    "the margin before max(0, …).",
)
MARGIN_AFTER = (
    "the margin comes after max(0, …)",
    "You added the margin when the negative numbers were gone already. Then no non-match ever costs less than the "
    "margin: it belongs inside max(0, …).",
)
MARGIN_MULTIPLIES = (
    "the margin multiplied",
    "You multiplied by the margin. It is what the match must be ahead by, and not a factor: add it, inside max(0, …).",
)
MARGIN_ALWAYS = (
    "always margin 0.2",
    "You wrote 0.2 into the formula. The margin is an argument, and other margins are asked for too.",
)
MATCH_MINUS = (
    "match minus non-match",
    "You took the difference the other way round. Then a match that is far ahead costs most, and one that is behind "
    "costs nothing: subtract the match's score from the non-match's.",
)
ORDER_ONLY = (
    "only where the order is wrong",
    "Only the non-matches ahead of the match pay in yours. One that is behind by less than the margin pays too: look "
    "at the sign of the whole, the margin included.",
)
HINGE_SQUARED = (
    "the hinge squared",
    "You squared what each non-match costs. That is another loss, in which large violations count more and small ones "
    "less: here the amount itself is asked for.",
)
HINGE_SOFT = (
    "a soft hinge",
    "log(1 + exp(…)) is a hinge with a rounded corner. It is never 0, so a non-match that is good enough still pays a "
    "little: max(0, …) has the corner.",
)
HARDEST_ONLY = (
    "only the hardest non-match",
    "You took the one non-match that costs most. Here every one of them pays what it costs, and all is added.",
)


def softmax(x, axis=-1):
    """Of x along an axis, with the care of chapter 03, so that only the idea is wrong and not the numbers -> as x."""
    positive = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return positive / positive.sum(axis=axis, keepdims=True)
