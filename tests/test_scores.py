"""scores.cosine_scores against the literal loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import loops, scores


@st.composite
def features(draw):
    n, m, d = (draw(st.sampled_from([1, 2, 3, 5, 7, 16, 31])) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([1e-3, 1.0, 1e3]))
    image, text = size * rng.standard_normal((n, d)), rng.standard_normal((m, d))
    if draw(st.booleans()):
        image[rng.integers(n)] = 0  # a dead picture
    return image, text


@given(features(), st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16]))
def test_cosine_scores_are_the_loops(pair, dtype):
    image, text = (torch.tensor(x, dtype=dtype) for x in pair)
    fast = scores.cosine_scores(image, text)
    expected = loops.cosine_scores(image.double().numpy(), text.double().numpy())
    assert fast.dtype == dtype and fast.shape == expected.shape
    width = image.shape[1]
    assert np.abs(fast.double().numpy() - expected).max() <= 4 * torch.finfo(dtype).eps * np.sqrt(width)


def test_gradient_is_right_and_a_zero_vector_has_a_finite_one():
    image = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    text = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    assert torch.autograd.gradcheck(scores.cosine_scores, (image, text))
    dead = torch.zeros(3, 4, requires_grad=True)
    s = scores.cosine_scores(dead, text.detach().float())
    s.sum().backward()
    assert torch.equal(s, torch.zeros(3, 5))
    assert dead.grad.abs().max() <= 5  # five unit vectors at most: a length clamped to 1e-12 would give 1e12


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_lengths_do_not_overflow(dtype):
    image = torch.full((2, 64), 3e4, dtype=dtype)  # the length, 240,000, is beyond float16
    assert torch.allclose(scores.cosine_scores(image, image).float(), torch.ones(2, 2), atol=0.02)


def test_rows_are_images_and_columns_are_texts():
    image, text = torch.eye(3)[:2], torch.eye(3)
    assert scores.cosine_scores(image, text).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_very_short_and_very_long_vectors_have_a_direction_too(size):
    image = torch.tensor([[3.0, 4.0]]) * size  # its square is beyond float32
    text = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert torch.allclose(scores.cosine_scores(image, text), torch.tensor([[0.6, 0.8]]))
