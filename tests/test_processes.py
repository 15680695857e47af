"""The loss over several processes: threads that pass messages as processes do, and real ones, started by torchrun.

All numbers are judged in both; few processes are started, and each works out many cases.
"""

import math
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import distributed
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from xmatch_edu import labels, losses, scale
from xmatch_edu.scale import processes, ring, tasks, tiles

SIZES = (1, 2, 5)
PROCESSES = [pytest.param(("processes", count), marks=pytest.mark.slow) for count in (2, 3)]
CASES = [*((n, "float64") for n in SIZES), (5, "float32")]
EXACT = ("gather, full loss", "local loss", "ring", "ring with classes", "ring, all one class", "ring, small tiles")
TRAPS = ("no gradient, full loss", "no gradient, local loss")


# --- what the processes do ------------------------------------------------------------------------------------------


ONE_AT_A_TIME = threading.Lock()  # threads share torch's random numbers


def drawn(seed, *shapes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


class Branches(torch.nn.Module):
    """Two linear branches and a learned scale: all that a gradient must reach."""

    def __init__(self, dtype):
        super().__init__()
        with ONE_AT_A_TIME:
            torch.manual_seed(1)
            self.image, self.text = torch.nn.Linear(6, 4, dtype=dtype), torch.nn.Linear(5, 4, dtype=dtype)
        self.logit_scale = torch.nn.Parameter(torch.tensor(1.7, dtype=dtype))

    def forward(self, x, y):
        return F.normalize(self.image(x), dim=1), F.normalize(self.text(y), dim=1), self.logit_scale.exp()

    def gradients(self):
        return {name: parameter.grad.flatten().tolist() for name, parameter in self.named_parameters()}


def whole_batch(n, dtype):
    """-> inputs of both sides, and classes that reach from one process to the next."""
    return *drawn(n, (n, 6), (n, 5), dtype=dtype), torch.arange(n) // 2


def loss_of(way, image, text, factor, ids):
    if way in ("gather, full loss", "no gradient, full loss"):
        return tasks.full_loss(image, text, factor, with_gradient=way == "gather, full loss")
    if way == "no gradient, local loss":
        return tasks.local_loss_without_gradient(image, text, factor)
    if way == "local loss":
        return scale.local_matching_loss(image, text, scale=factor)
    ids = {"ring with classes": ids, "ring, all one class": torch.zeros_like(ids)}.get(way)
    return scale.ring_matching_loss(image, text, scale=factor, class_ids=ids)


def every_case(place):
    """-> for each way, size and dtype: the loss of this process, and the mean over processes of the gradients."""
    return {f"{way}, {n}, {dtype}": one_case(place, way, n, getattr(torch, dtype))
            for way in EXACT + TRAPS for n, dtype in CASES}


def one_case(place, way, n, dtype, by_ddp=False):
    tiles._TILE_ON_CPU = 2 if way == "ring, small tiles" else 1024
    model = Branches(dtype)
    x, y, ids = (whole[place.rank * n : (place.rank + 1) * n] for whole in whole_batch(n * place.world_size, dtype))
    called = DistributedDataParallel(model) if by_ddp else model  # which must still be there on the way back
    loss = loss_of(way, *called(x, y), ids)
    loss.backward()
    for parameter in () if by_ddp else model.parameters():
        processes.distributed.all_reduce(parameter.grad)
        parameter.grad /= place.world_size
    return {"loss": loss.item(), "gradients": model.gradients()}


MISTAKES = {  # what each process does, odd where it is the last; the error of that one, and what all must say, or
    # None: it was told by its own eyes, and the others hear that it has stopped
    "n": (lambda odd: scale.gather(torch.ones(2 + odd, 3)), ValueError, ["number of pairs", "rank 0 has 2", "has 3"]),
    "width": (lambda odd: scale.gather(torch.ones(2, 3 + odd)), ValueError, ["width", "rank 0 has 3", "has 4"]),
    "dtype": (lambda odd: scale.gather(GOOD.double() if odd else GOOD), ValueError,
              ["rank 0 has torch.float32", "has torch.float64"]),
    "gradient": (lambda odd: scale.gather(GOOD.clone().requires_grad_(odd)), ValueError,
                 ["gradient is wanted", "rank 0 has no", "has yes"]),
    "with_gradient": (lambda odd: scale.gather(learned(), with_gradient=odd), ValueError,
                      ["gradient is wanted", "rank 0 has no", "has yes"]),
    "NaN": (lambda odd: scale.gather(GOOD * math.nan if odd else GOOD), ValueError, None),
    "no tensor": (lambda odd: scale.gather([1.0] if odd else GOOD), TypeError, None),
    "local, sides": (lambda odd: local(GOOD, torch.ones(1, 3) if odd else GOOD, scale=2.0), ValueError, None),
    "local, scale": (lambda odd: local(GOOD, GOOD, scale=2.0 + odd / 2), ValueError,
                     ["scale", "rank 0 has 2", "has 2.5"]),
    "ring, n": (lambda odd: around(*[torch.ones(2 + odd, 3)] * 2, scale=2.0), ValueError,
                ["number of pairs", "rank 0 has 2", "has 3"]),
    "ring, scale": (lambda odd: around(GOOD, GOOD, scale=-1.0 if odd else 2.0), ValueError, None),
    "ring, classes": (lambda odd: around(GOOD, GOOD, scale=2.0, class_ids=torch.zeros(2).long() if odd else None),
                      ValueError, ["class_ids", "rank 0 has no", "has yes"]),
    "ring, weight": (lambda odd: (around(learned(), GOOD, scale=2.0) * (3 if odd else 1)).backward(), ValueError,
                     ["multiplied", "rank 0 has 1", "has 3"]),
    "gather, twice": (lambda odd: twice(scale.gather, learned()), RuntimeError, ["gather", "create_graph"]),
    "ring, twice": (lambda odd: twice(lambda image: around(image, GOOD, scale=2.0), learned()), RuntimeError,
                    ["ring_matching_loss", "create_graph"]),
}  # fmt: skip
GOOD, local, around = torch.ones(2, 3), scale.local_matching_loss, scale.ring_matching_loss


def learned():
    return GOOD.clone().requires_grad_()


def twice(function, features):
    torch.autograd.grad(function(features).sum(), features, create_graph=True)


def every_mistake(place):
    """-> what each mistake, made by the last process, is told on this process, and how soon."""
    told = {}
    for name, (mistake, *_) in MISTAKES.items():
        start = time.perf_counter()
        try:
            mistake(place.rank == place.world_size - 1)
        except Exception as error:
            told[name] = [type(error).__name__, str(error), time.perf_counter() - start]
    return told


def large_logits(place):
    """Logits of ±1e4 -> for each way the loss and the gradient of the image side, of all processes, in float32."""
    found = {}
    for way in EXACT[:3]:
        image, text = (side.chunk(place.world_size)[place.rank].clone().requires_grad_()
                       for side in large_sides(place.world_size))
        loss = loss_of(way, image, text, 100.0, torch.arange(3))
        loss.backward()
        found[way] = {"loss": loss.item(), "gradient": scale.gather(image.grad).tolist()}
    return found


def large_sides(world_size):
    return [10 * F.normalize(side, dim=1) for side in drawn(7, *[(3 * world_size, 4)] * 2)]


def real(place):
    warnings.simplefilter("error")  # of torch, when it gives up what we stand on
    ddp = {way: one_case(place, way, 5, torch.float64, by_ddp=True)["gradients"] for way in EXACT[:3]}
    return everything(place) | {"ddp": ddp}


def everything(place):
    # In half precision gather and ring carry what they are given.
    own = torch.full((2, 3), place.rank, dtype=torch.bfloat16, requires_grad=True)
    half = scale.gather(own)
    half.sum().backward()
    return {
        "cases": every_case(place), "large": large_logits(place), "mistakes": every_mistake(place),
        "half": half[:, 0].tolist(), "half back": own.grad[:, 0].tolist(),
        "held": [held.item() for _, (held, _), _ in ring.around([torch.tensor([place.rank]), None], [])],
        "again": one_case(place, "ring", 5, torch.float64),
    }  # fmt: skip


def sleep(place, file, seconds):
    Path(file).with_suffix(f".{place.rank}").write_text(str(os.getpid()))
    time.sleep(seconds)


def fail(place):
    if place.rank == 1:
        raise ValueError("the second process has no text")
    scale.gather(torch.ones(2, 3))
    scale.gather(torch.ones(2, 3))


def echo(place, word):
    return [place.rank, place.world_size, str(place.device), word, os.environ["OMP_NUM_THREADS"]]


# --- threads in the place of processes ------------------------------------------------------------------------------


class Threads:
    """In place of torch.distributed. What the ranks send lies on a table, and goes over when it must: at `wait`."""

    def __init__(self, count):
        self.count, self.own, self.table = count, threading.local(), [None] * count
        self.all_are_here = threading.Barrier(count, timeout=20)
        self.is_available = self.is_initialized = lambda: True
        self.get_rank, self.get_world_size = (lambda: self.own.rank), (lambda: count)
        self.get_backend_config = lambda: "cpu:threads"
        self.P2POp, self.isend, self.irecv = (lambda *message: message), "send", "receive"

    def run(self, task):
        """-> what the task gives on each rank. (On a CPU autograd goes back in the thread that asks for it.)"""
        def as_rank(rank):
            self.own.rank = rank
            try:
                return task(scale.place())
            except BaseException:
                self.all_are_here.abort()  # nobody waits for one that has failed
                raise

        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(as_rank, range(self.count)))

    def exchange(self, sent):
        """-> what each rank has sent."""
        self.table[self.own.rank] = sent
        self.all_are_here.wait()
        seen = [[(to, x.detach().clone()) for to, x in messages] for messages in self.table]
        self.all_are_here.wait()
        return seen

    def all_gather(self, blocks, own):
        for block, ((_, sent),) in zip(blocks, self.exchange([(None, own)]), strict=True):
            block.copy_(sent)

    def all_to_all_single(self, received, own):
        everything = self.exchange([(None, own)])
        received.copy_(torch.cat([sent.chunk(self.count)[self.own.rank] for ((_, sent),) in everything]))

    def all_reduce(self, own):
        own.copy_(sum(sent for ((_, sent),) in self.exchange([(None, own)])))

    def batch_isend_irecv(self, messages):
        def wait():
            seen = self.exchange([(to, x) for kind, x, to in messages if kind == "send"])
            arriving = [iter([x for to, x in sent if to == self.own.rank]) for sent in seen]
            for kind, x, source in messages:
                if kind == "receive":
                    x.copy_(next(arriving[source]))

        return [SimpleNamespace(wait=wait)]


# --- what they found ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[("threads", 2), ("threads", 3), *PROCESSES], ids=str)
def ranks(request):
    how, count = request.param
    if how == "processes":
        return scale.torchrun.run("test_processes:real", processes=count)
    threads = Threads(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_TILE_ON_CPU", tiles._TILE_ON_CPU)  # the task changes it
        for module in (processes, ring):
            patch.setattr(module, "distributed", threads)
        return threads.run(everything)


def alone(way, n, dtype):
    """The same in one process, on the whole batch -> loss, gradients."""
    model = Branches(dtype)
    x, y, ids = whole_batch(n, dtype)
    ids = {"ring with classes": ids, "ring, all one class": torch.zeros_like(ids)}.get(way)
    image, text, factor = model(x, y)
    loss = losses.matching_loss(image @ text.T, scale=factor, mask=None if ids is None else labels.same_class_mask(ids))
    loss.backward()
    return loss.item(), model.gradients()


def as_vector(gradients, names=None):
    return torch.tensor([x for name, values in gradients.items() if not names or name in names for x in values],
                        dtype=torch.float64)  # fmt: skip


@pytest.mark.parametrize(("n", "dtype"), CASES)
@pytest.mark.parametrize("way", EXACT)
def test_the_mean_over_processes_is_what_one_process_finds_on_the_whole_batch(ranks, way, n, dtype):
    found = [rank["cases"][f"{way}, {n}, {dtype}"] for rank in ranks]
    loss, gradients = alone(way, n * len(ranks), getattr(torch, dtype))
    # The logits are at most exp(1.7) = 5.5.
    within = 1e-10 if dtype == "float64" else 8 * torch.finfo(torch.float32).eps * 5.5
    assert sum(one["loss"] for one in found) / len(ranks) == pytest.approx(loss, abs=within)
    for one in found:
        for name, wanted in gradients.items():
            difference = as_vector(one["gradients"], [name]) - torch.tensor(wanted, dtype=torch.float64)
            assert difference.norm() <= within * max(1, as_vector(gradients).norm())


@pytest.mark.parametrize("ranks", PROCESSES, indirect=True)
def test_ddp_takes_that_mean(ranks):
    for way in EXACT[:3]:
        _, wanted = alone(way, 5 * len(ranks), torch.float64)
        for rank in ranks:
            assert (as_vector(rank["ddp"][way]) - as_vector(wanted)).norm() < 1e-10


def test_large_logits_stay_finite_and_right(ranks):
    image, text = (side.double().requires_grad_() for side in large_sides(len(ranks)))
    loss = losses.matching_loss(image @ text.T, scale=100.0)
    loss.backward()
    # The product of the features rounds, in float32, before the scale multiplies it.
    within = 8 * torch.finfo(torch.float32).eps * 1e4
    for way in EXACT[:3]:
        assert sum(rank["large"][way]["loss"] for rank in ranks) / len(ranks) == pytest.approx(loss.item(), abs=within)
        # Each process had its loss alone: the mean over processes is still to be taken.
        gradient = torch.tensor(ranks[0]["large"][way]["gradient"], dtype=torch.float64) / len(ranks)
        assert (gradient - image.grad).norm() <= within * image.grad.norm()


WEIGHTS = ("image.weight", "image.bias", "text.weight", "text.bias")


@pytest.mark.parametrize("n", SIZES)
def test_gathered_without_gradient_the_full_loss_steps_too_short(ranks, n):
    _, gradients = alone("full", n * len(ranks), torch.float64)
    found = ranks[0]["cases"][f"no gradient, full loss, {n}, float64"]["gradients"]
    assert (as_vector(found, WEIGHTS) * len(ranks) - as_vector(gradients, WEIGHTS)).norm() < 1e-10
    # The scale is not gathered: its gradient is whole.
    assert found["logit_scale"] == pytest.approx(gradients["logit_scale"], abs=1e-10)


@pytest.mark.parametrize("n", SIZES)
def test_gathered_without_gradient_the_local_loss_goes_elsewhere(ranks, n):
    loss, gradients = alone("local", n * len(ranks), torch.float64)
    found = [rank["cases"][f"no gradient, local loss, {n}, float64"] for rank in ranks]
    assert sum(one["loss"] for one in found) / len(ranks) == pytest.approx(loss, abs=1e-10)  # the loss does not tell
    one, other = as_vector(found[0]["gradients"], WEIGHTS), as_vector(gradients, WEIGHTS)
    assert F.cosine_similarity(one, other, dim=0) < (0.98 if n == 1 else 0.95)  # of branches that know nothing yet


def test_processes_that_went_through_many_mistakes_still_agree(ranks):
    for rank in ranks:
        assert rank["again"] == rank["cases"]["ring, 5, float64"]


def test_blocks_come_in_the_order_of_the_ranks(ranks):
    for rank in ranks:
        assert rank["half"] == [r for r in range(len(ranks)) for _ in range(2)]
        assert rank["half back"] == [len(ranks)] * 2  # each process wants 1 of it


def test_the_ring_passes_to_the_next_process(ranks):
    for own, rank in enumerate(ranks):
        assert rank["held"] == [(own - step) % len(ranks) for step in range(len(ranks))]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_one_process_is_an_error_on_each_and_none_waits(ranks, mistake):
    _, error, words = MISTAKES[mistake]
    for rank, one in enumerate(ranks):
        odd = rank == len(ranks) - 1
        kind, message, seconds = one["mistakes"][mistake]
        assert kind == (error if words or odd else RuntimeError).__name__ and seconds < 5
        for word in words or ([] if odd else [f"rank {len(ranks) - 1}"]):
            assert word in message


# --- alone ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["no group", "a group of one"])
def world_of_one(request):
    if request.param == "a group of one":
        distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    with scale.joined() as place:
        yield place
    if request.param == "a group of one":
        assert distributed.is_initialized()  # joined leaves what it found
        distributed.destroy_process_group()


def test_a_world_of_one(world_of_one):
    assert world_of_one[:2] == (0, 1)
    image, text = (torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert scale.gather(image) is image and scale.gather(image, with_gradient=False) is image
    wanted = losses.matching_loss(image @ text.T, scale=3.0)
    sides = torch.autograd.grad(wanted, (image, text))
    for loss in (scale.local_matching_loss, scale.ring_matching_loss):
        found = loss(image, text, scale=3.0)
        assert found.item() == pytest.approx(wanted.item(), abs=1e-12)
        for one, other in zip(torch.autograd.grad(found, (image, text)), sides, strict=True):
            assert (one - other).norm() < 1e-12


ok = torch.ones(2, 3)
WRONG = {
    "text_features.*text side.*NaN|text_features.*nan": {"text_features": ok * math.nan},
    "in pairs.*2 on the image side and 3 on the text side": {"text_features": torch.ones(3, 3)},
    "scale must be positive": {"scale": 0.0},
}


@pytest.mark.parametrize("message", WRONG)
@pytest.mark.parametrize("loss", [scale.local_matching_loss, scale.ring_matching_loss])
def test_wrong_inputs_are_named_with_their_side(loss, message):
    with pytest.raises((TypeError, ValueError), match=message):
        loss(**{"image_features": ok, "text_features": ok, "scale": 2.0, **WRONG[message]})


def test_wrong_classes_and_wrong_features_are_named():
    with pytest.raises(ValueError, match=r"class_ids.*2; got 3"):
        scale.ring_matching_loss(ok, ok, scale=2.0, class_ids=torch.zeros(3).long())
    for wrong in (torch.ones(3), ok.long(), [1.0], ok * math.inf):
        with pytest.raises((TypeError, ValueError), match="features"):
            scale.gather(wrong)


# --- starting and ending --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_jobs_at_once_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(scale.torchrun.run, "test_processes:echo", word=word) for word in ("a", "b")]
    for job, word in zip(jobs, "ab", strict=True):
        assert job.result() == [[rank, 2, "cpu", word, "1"] for rank in range(2)]


SCRIPT = """
import time, torch
from xmatch_edu import scale
with scale.joined(timeout=3) as place:
    if place.rank == 1:
        time.sleep(120)
    scale.gather(torch.ones(2, 3))
"""


def run_script(folder):
    """As somebody does who has a script of his own."""
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=localhost",
               "--nproc-per-node=2", str(folder / "script.py")]  # fmt: skip
    done = subprocess.run(command, env=scale.torchrun._environment(), capture_output=True, text=True, timeout=100)
    if done.returncode:
        raise RuntimeError(done.stderr)


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """Four jobs that end badly -> for each: the error, the seconds until it came, a folder."""
    jobs = {
        "never done": lambda folder: scale.torchrun.run(
            "test_processes:sleep", limit=20, file=str(folder / "pid"), seconds=300),
        "killed": lambda _: scale.torchrun.run("lose", victim=1, seconds=60),
        "failed": lambda _: scale.torchrun.run("test_processes:fail"),
        "does not come": run_script,
        "no such task": lambda _: scale.torchrun.run("nothing"),
    }  # fmt: skip

    def end(job):
        folder, start = tmp_path_factory.mktemp("job"), time.perf_counter()
        with pytest.raises((RuntimeError, TimeoutError)) as told:
            job(folder)
        return told.value, time.perf_counter() - start, folder

    with ThreadPoolExecutor(2) as pool:  # the first only waits
        return dict(zip(jobs, pool.map(end, jobs.values()), strict=True))


on_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to kill or to ask with")


@pytest.mark.slow
@on_unix
def test_a_killed_process_ends_the_job(endings):
    error, seconds, _ = endings["killed"]
    assert str(error) == "lose: rank 1 was killed (SIGKILL), and torchrun ended the others" and seconds < 60


@pytest.mark.slow
def test_the_rank_that_failed_first_is_quoted(endings):
    error, seconds, _ = endings["failed"]
    assert "rank 1 failed first" in str(error) and "ValueError: the second process has no text" in str(error)
    assert seconds < 60
    assert "has no attribute 'nothing'" in str(endings["no such task"][0])


@pytest.mark.slow
def test_a_process_that_does_not_come_is_not_waited_for(endings):
    error, seconds, _ = endings["does not come"]
    assert "imed out" in str(error) and "rank      : 0" in str(error)
    assert seconds < 60


@pytest.mark.slow
@on_unix
def test_a_job_that_is_never_done_is_ended_with_all_its_processes(endings):
    error, seconds, folder = endings["never done"]
    assert str(error) == "test_processes:sleep was not done after 20 s, and was ended" and seconds < 60
    started = [int(file.read_text()) for file in folder.iterdir()]
    assert len(started) == 2 and not [pid for pid in started if _is_alive(pid)]


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # in a container one that has ended may stay listed, as Z
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
