"""Run by test_kernel.py in processes of its own: the kernel without a GPU, in the interpreter and for the compiler."""

import itertools
import sys

import torch

from xmatch_edu import labels, losses
from xmatch_edu.scale import kernel, passes, tiled_matching_loss, tiles

SIZES = [(1, 1, 1), (16, 16, 16), (40, 40, 20), (33, 50, 7), (17, 2, 40)]


def quick():
    """A few sizes, then the whole loss."""
    kernel._SIDE, kernel._DEPTH, kernel._TOGETHER = 16, 16, 2
    torch.manual_seed(0)
    # Features that lie side by side in memory another way.
    compare(torch.randn(7, 40).T, torch.randn(40, 14)[:, ::2], torch.tensor(2.0), True, True)
    compare(torch.randn(17, 40), torch.randn(2, 40), torch.tensor(1.0), False, False)
    nothing_left()
    whole_loss()
    sure_row()
    print("interpreted")


def interpret():
    """Both functions against `passes`. (bfloat16 is not among the interpreter's numbers.)"""
    quick()
    for dtype, (n, m, d), match, classes in itertools.product(
            [torch.float32, torch.float16], SIZES, [True, False], [True, False]):  # fmt: skip
        for scale in (1.0, 300.0) if n == m or not match else ():
            compare(torch.randn(n, d).to(dtype), torch.randn(m, d).to(dtype), torch.tensor(scale), match, classes)


def compare(image, text, scale, match, classes):
    ids = None
    if classes:
        image_ids = torch.randint(0, 3, (len(image),))
        ids = image_ids, image_ids if match else torch.randint(0, 3, (len(text),))
    exact = image.double(), text.double(), scale.double()
    found, expected = kernel.see(image, text, scale, ids, match), passes.see(*exact, ids, match)
    allowed = 8 * torch.finfo(torch.float32).eps * max(1, scale.item()) * image.shape[1] ** 0.5 * 16
    for one, two in zip(found, expected, strict=True):
        assert (one is None) == (two is None)
        if one is not None:
            assert torch.equal(one.isinf(), two.isinf()), (one, two)
            assert ((one - two)[~two.isinf()].abs() <= allowed).all()
    logs = [torch.where(log.isinf(), 0.0, log) for log in expected[:2]]
    found, expected = kernel.gradient(image, text, scale, ids, match, *logs), passes.gradient(*exact, ids, match, *logs)
    assert found.dtype == image.dtype
    rounding = torch.finfo(image.dtype).eps * expected.norm() + torch.finfo(image.dtype).tiny * expected.numel()
    assert (found - expected).norm() <= allowed * max(1, len(image)) ** 0.5 + rounding


def nothing_left():
    """A row that has none but pairs of its own class, and stands in no match: −∞, and no gradient."""
    image, text = torch.randn(3, 4), torch.randn(5, 4)
    ids = torch.tensor([1, 2, 1]), torch.tensor([1, 1, 1, 1, 1])
    rows, _, _ = kernel.see(image, text, torch.tensor(1.0), ids, False)
    assert rows.isinf().tolist() == [True, False, True]
    gradient = kernel.gradient(image, text, torch.tensor(1.0), ids, False, torch.zeros(3), torch.zeros(5))
    assert not gradient[[0, 2]].any() and gradient[1].all()


def whole_loss():
    tiles._room = lambda image: kernel
    class_ids = torch.arange(37) % 9
    given = [torch.randn(37, 6, requires_grad=True) for _ in range(2)] + [torch.tensor(3.0, requires_grad=True)]
    exact = [one.detach().double().requires_grad_() for one in given]
    image, text, scale = given
    ours = tiled_matching_loss(image, text, scale=scale, class_ids=class_ids, tile_size=20)
    image, text, scale = exact
    theirs = losses.matching_loss(image @ text.T, scale=scale, mask=labels.same_class_mask(class_ids))
    assert abs(ours.item() - theirs.item()) < 1e-5
    for one, two in zip(torch.autograd.grad(ours, given), torch.autograd.grad(theirs, exact), strict=True):
        assert (one - two).norm() < 1e-5 * max(1, two.norm())


def sure_row():
    """Its log-sum-exp is 1010.00005, and float32 numbers are 0.00006 apart there."""
    rows, columns, own = kernel.see(torch.eye(2), torch.tensor([[1010.0, 1000.0], [1000.0, 1010.0]]), torch.tensor(1.0),
                                    None, True)  # fmt: skip
    for log in (rows, columns):
        assert ((log - own) / 4.5398899e-5 - 1).abs().max() < 2e-3  # what a float32 sum of 1 + exp(−10) can say


def compile():
    """To the machine code of an H100, which needs no GPU: in bfloat16, with and without classes."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as to_machine_code

    sizes = kernel._sizes()
    options = {name: sizes.pop(name) for name in ("num_warps", "num_stages")}
    for function, classes in itertools.product((kernel._see, kernel._gradient), (True, False)):
        fixed = {**sizes, "MATCH": True, "CLASSES": classes, "image_feature": 1, "text_feature": 1}
        kinds = {"image": "*bf16", "text": "*bf16", "found": "*bf16", "image_ids": "*i64", "text_ids": "*i64",
                 **dict.fromkeys(("n", "m", "d", "image_row", "text_row"), "i32")}  # fmt: skip
        names = function.arg_names
        signature = {name: "constexpr" if name in fixed else kinds.get(name, "*fp32") for name in names}
        # What is not fixed is a multiple of 16, as pointers and usual widths are: then loads are wide.
        even = {(names.index(name),): [["tt.divisibility", 16]] for name in names if name not in fixed}
        made = to_machine_code(ASTSource(function, signature, fixed, even), GPUTarget("cuda", 90, 32), options)
        assert made.asm["cubin"] and "wgmma" in made.asm["ptx"], "not by the tensor cores of an H100"
        assert made.metadata.shared <= 227 * 1024, "more shared memory than an H100 has for one block"
    print("compiled")


if __name__ == "__main__":
    {"quick": quick, "interpret": interpret, "compile": compile}[sys.argv[1]]()
