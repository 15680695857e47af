"""The branches that learn: a picture, and a text, to D numbers; or a vector for each region, and for each word.

N: pairs of a batch    K: pairs    S: pixels a side    R: regions, 289 = 17×17    T: words    D: features
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from xmatch_edu import _inputs
from xmatch_edu.data import shapes
from xmatch_edu.data.words import UNKNOWN, phrases


class TwoBranch(nn.Module):
    """One branch for pictures, one for texts, into one space of D features: what chapter 08 trains.

    vocabulary: the `data.words.Vocabulary` that texts are read with. width: D. size: S, the pixels a side of a picture,
    a multiple of 8.
    image(pictures): (N, S, S, 3), numbers from 0 to 255 -> (N, D) float32.
    text(numbers): (N, T) int64 as `vocabulary.read` gives them -> (N, D) float32: the mean of the words' vectors, and
        a correction of it. Without a known word that is the same vector for every text.
    Errors: TypeError or ValueError naming width, size, pictures or numbers and the side.
    """

    def __init__(self, vocabulary, *, width=128, size=32):
        super().__init__()
        _check_width(width)
        if not _inputs.is_count(size, 8) or size % 8:
            raise ValueError(f"size must be a multiple of 8, the pixels a side of a picture (image side); got {size!r}")
        self.vocabulary, self.size = vocabulary, size
        self.image_branch = nn.Sequential(
            nn.Conv2d(3, 64, 4, stride=4), nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
            nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(2 * size * size, width),
        )
        self.embedding = nn.EmbeddingBag(len(vocabulary) + 1, width, mode="mean", padding_idx=UNKNOWN)
        self.correction = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def image(self, pictures):
        _check_pictures(pictures, self.size)
        return self.image_branch(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)

    def text(self, numbers):
        _check_words("numbers", numbers)
        _check_places("numbers", numbers, self.embedding)
        mean = self.embedding(numbers)
        return mean + self.correction(mean)

    @torch.no_grad()
    def encode_pictures(self, pictures):
        """The features of K pictures, in pieces, nothing dropped -> (K, D) on the CPU."""
        return self._encode(self.image, pictures)

    @torch.no_grad()
    def encode_texts(self, texts):
        """The features of K texts, each a sequence of phrases -> (K, D) on the CPU."""
        return self._encode(self.text, self.vocabulary.read(texts).numbers)

    def encode(self, pairs):
        """EmojiPairs, each text its caption and its keywords: pairs -> image_features (K, D), text_features (K, D)."""
        return self.encode_pictures(pairs.pictures), self.encode_texts([phrases(pairs, k) for k in range(len(pairs))])

    def _encode(self, branch, given):
        training, device = self.training, self.embedding.weight.device
        self.eval()
        try:
            return torch.cat([branch(some.to(device)).cpu() for some in given.split(512)])
        finally:
            self.train(training)


class RegionEncoder(nn.Module):
    """A picture to a vector for each of its 17×17 regions, and one for the whole.

    pictures (N, 68, 68, 3) uint8 -> regions (N, R, D), row by row from the top left, image_codes (N, D), float32.

    Small on purpose. A region sees 15×15 pixels, its own 4×4 among them. Another 3×3 at 17×17 would show it 23×23, and
    its vector would tell of an object beside it. No layer mixes the pictures of a batch, or regions further apart.
    width: D. Errors: TypeError or ValueError naming pictures or width.
    Source: the image encoder of AttnGAN (Xu et al., CVPR 2018), section 3.2. There it is Inception-v3 with 289 regions
    of 768 features; a region's vector comes from an inner layer, the code of the whole from the last, both by a linear
    map.
    """

    def __init__(self, width):
        super().__init__()
        _check_width(width)
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(48, 64, 3, padding=1), nn.ReLU(),
            nn.Conv2d(64, 64, 1), nn.ReLU(),
        )
        self.to_regions = nn.Conv2d(64, width, 1)
        self.to_code = nn.Linear(64, width)

    def forward(self, pictures):
        if not isinstance(pictures, torch.Tensor) or pictures.dtype != torch.uint8:
            raise TypeError(f"pictures (image side) must be a uint8 tensor; got {getattr(pictures, 'dtype', pictures)}")
        _check_pictures(pictures, shapes.SIDE)
        features = self.features(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)
        return self.to_regions(features).flatten(2).transpose(1, 2), self.to_code(features.mean(dim=(2, 3)))


class WordEncoder(nn.Module):
    """A text to a vector for each of its words, and one for the whole.

    words (N, T) int64, places in the vocabulary, lengths (N,) integers from 1 to T
    -> word features (N, T, D), zero at padding, sentence codes (N, D), float32. What stands in the padding is not read.

    It reads forwards and backwards, so a word's vector also carries its neighbours: "circle" in "red circle" may know
    about red. The first half of a vector has read up to the word, the second half from the end back to it.
    vocabulary_size: how many words, the padding included. width: D, even.
    Errors: TypeError or ValueError naming vocabulary_size, width, words or lengths.
    Source: the text encoder of AttnGAN (Xu et al., CVPR 2018), section 3.2. There it is an LSTM; this is a GRU, which
    has fewer weights.
    """

    def __init__(self, vocabulary_size, width):
        super().__init__()
        _check_width(width)
        if not _inputs.is_count(vocabulary_size):
            raise ValueError(f"vocabulary_size (text side) must be an int of at least 1; got {vocabulary_size!r}")
        if width % 2:
            raise ValueError(f"width of the text side must be even, half for each direction of reading; got {width}")
        self.embedding = nn.Embedding(vocabulary_size, width)
        self.reader = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, words, lengths):
        _check_words("words", words)
        if lengths is None:
            raise TypeError("lengths must be a tensor, the number of words of each text; got None")
        _inputs.check_lengths(lengths, words)
        padding = torch.arange(words.shape[1], device=words.device) >= lengths[:, None]
        words = words.masked_fill(padding, 0)
        _check_places("words", words, self.embedding)
        # Each text is read to its own end. (The lengths are wanted on the CPU: on a GPU this waits for them.)
        packed = pack_padded_sequence(self.embedding(words), lengths.cpu(), batch_first=True, enforce_sorted=False)
        read, last = self.reader(packed)
        features, _ = pad_packed_sequence(read, batch_first=True, total_length=words.shape[1])
        return features, last.transpose(0, 1).flatten(1)


def _check_pictures(pictures, side):
    if not isinstance(pictures, torch.Tensor) or pictures.shape[1:] != (side, side, 3) or len(pictures) == 0:
        got = f"shape {tuple(pictures.shape)}" if hasattr(pictures, "shape") else type(pictures).__name__
        raise ValueError(f"pictures (image side) must be a tensor of shape (N, {side}, {side}, 3) with at least one "
                         f"picture; got {got}")


def _check_words(name, words):
    if not isinstance(words, torch.Tensor) or words.dtype != torch.int64:
        got = getattr(words, "dtype", type(words).__name__)
        raise TypeError(f"{name} (text side) must be an int64 tensor; got {got}")
    if words.ndim != 2 or 0 in words.shape:
        raise ValueError(f"{name} (text side) must have shape (N, T) with at least one text and room for one word; "
                         f"got shape {tuple(words.shape)}")


def _check_places(name, words, embedding):
    """On a GPU they are not looked at: that would wait for it."""
    highest = embedding.num_embeddings - 1
    for end in (words.min(), words.max()) if words.device.type == "cpu" else ():
        if not 0 <= end <= highest:
            raise ValueError(f"{name} (text side) must be places in the vocabulary, 0 to {highest}; got {int(end)}")


def _check_width(width):
    if not _inputs.is_count(width):
        raise ValueError(f"width (image and text side) must be an int of at least 1, the features D; got {width!r}")
