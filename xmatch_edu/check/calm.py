"""Calling a learner's function without harm: copies go in, what it prints and what it does to the random generators is
undone, an error names the line of *their* code, and one that never ends is stopped where the system allows it.

Nothing here knows what is right.
"""

import contextlib
import copy
import dis
import inspect
import io
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np
import torch

SECONDS = 10  # for all calls of one check together

_STUB = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "RETURN_GENERATOR", "LOAD_COMMON_CONSTANT"}


class NotAttempted(Exception):
    """The stub is as it was, or it gave nothing back; the words are for the learner."""


class Trouble(Exception):
    """The function could not be called as asked; the words are for the learner. `kind`: the name of the error."""

    def __init__(self, words, kind):
        super().__init__(words)
        self.kind = kind


class Caller:
    """Calls one function again and again, with one limit for all calls together.

    function: the learner's. takes: the names of its arguments, for the words. `printed`: did it print?
    """

    def __init__(self, function, takes):
        self.function, self.takes, self.left, self.printed = function, takes, SECONDS, False

    def __call__(self, arguments, then=lambda answer: answer):
        """The function's answer to `arguments`, handed to `then` under the same protection. The caller makes copies.

        Raises NotAttempted or Trouble, and nothing else but the stop button's KeyboardInterrupt.
        """
        heard, start = _Heard(), time.monotonic()
        try:
            with _world_kept(), contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard), _limit(self.left):
                self._check_count(arguments)
                answer = self.function(*arguments)
                if inspect.iscoroutine(answer):
                    answer.close()
                    raise Trouble("It is an async def, and gave only a promise. Leave out async.", "async")
                if answer is not None and answer is not ...:
                    return then(answer)
        except Trouble:
            raise
        except NotImplementedError as error:
            if not self._is_own(error):
                raise Trouble(self._where(error), "NotImplementedError") from None
            raise NotAttempted(_words(error)) from None
        except KeyboardInterrupt:
            raise
        except _TooLong:
            raise Trouble(f"It was stopped after {SECONDS} seconds. Is there a loop that never ends?", "time") from None
        except BaseException as error:  # SystemExit too: a learner's exit() must not end the kernel
            raise Trouble(self._where(error), type(error).__name__) from None
        finally:
            self.left = max(0.1, self.left - (time.monotonic() - start))
            self.printed = self.printed or heard.anything
        if _is_stub(self.function):
            raise NotAttempted("")
        raise NotAttempted(f"It gave back {answer}. If you have written it: is the return missing?")

    def _check_count(self, arguments):
        try:
            signature = inspect.signature(self.function)
        except (ValueError, TypeError):  # some functions in C keep their signature to themselves
            return
        try:
            signature.bind(*arguments)
        except TypeError:
            takes = str(signature)[:100]
            raise Trouble(f"It takes {takes}, and it is called with {' and '.join(self.takes)}.", "TypeError") from None

    def _where(self, error):
        """The error in one sentence, with the last line that is the learner's own."""
        own = getattr(getattr(self.function, "__code__", None), "co_filename", None)
        lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
        where = f"It stopped in your line `{lines[-1]}`" if lines and lines[-1] else "It stopped"
        return f"{where} with {type(error).__name__}: {_words(error)}"

    def _is_own(self, error):
        """Does a raise stand in the function itself? torch raises this error too, for what it cannot do."""
        last = error.__traceback__
        while last.tb_next:
            last = last.tb_next
        code = last.tb_frame.f_code
        is_raise = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
        return is_raise and code is getattr(self.function, "__code__", None)


def forgets(function, place):
    """Does a function never look at its argument at `place`, or overwrite it first? -> bool; False without bytecode."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_argcount <= place or code.co_varnames[place] in code.co_cellvars:
        return False
    name = code.co_varnames[place]
    for step in dis.get_instructions(code):
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)  # one step may move two variables
        if "_FAST" in step.opname and name in names:
            return step.opname.split("_FAST")[names.index(name)].endswith("STORE")
    return True


def copies(arguments):
    """The arguments, dealt out anew -> a tuple: a function may spoil its input without spoiling the next call."""
    return tuple(x.clone() if isinstance(x, torch.Tensor) else copy.deepcopy(x) for x in arguments)


class _Heard(io.TextIOBase):
    """Where a learner's prints go: nowhere, however many they are."""

    anything = False

    def write(self, text):
        self.anything = True
        return len(text)

    def close(self):
        """A learner's sys.stdout.close() closes nothing."""


def _words(error):
    try:
        return " ".join(str(error).split())[:300]
    except Exception:
        return "(it has no words)"


def _is_stub(function):
    try:
        return all(step.opname in _STUB for step in dis.get_instructions(function))
    except TypeError:  # no bytecode to look at
        return False


class _TooLong(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


@contextlib.contextmanager
def _limit(seconds):
    """Signals reach the main thread only, only Unix has this one, and one long call into C is not interrupted: there
    the stop button is the limit."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again and again: a bare except swallows one of them
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _world_kept():
    """The random generators go on as if nothing had been drawn; the folder and the settings are as before.

    Meanwhile torch has one thread: the matrices here are small, and on a busy machine two threads wait for each other
    ten times as long as one works.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    settings = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads()
    device, folder, depth = torch.get_default_device(), os.getcwd(), sys.getrecursionlimit()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), np.printoptions():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.set_grad_enabled(settings[0])
        torch.set_default_dtype(settings[1])
        if torch.get_num_threads() != settings[2]:
            torch.set_num_threads(settings[2])
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
        sys.setrecursionlimit(depth)
        with contextlib.suppress(OSError):  # the folder itself may be gone
            os.chdir(folder)
