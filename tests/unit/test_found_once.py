"""What a check finds once and uses again: it must be what it would be if it were found anew, and what takes long and
nobody may ask for is found when somebody does."""

import pickle

import numpy as np
import pytest

import gradproof
from gradproof.oracles.tape import Tape, judge, solve, statistical

np_ = pytest.importorskip("autograd.numpy")


def sines() -> tuple:
    x = np.array([0.5, -1.25, 2.0])
    tape = Tape()
    cells = tape.input(x, "float64")
    return solve(tape, tape.sum(cells * tape.map("sin", cells))), x


def test_what_is_suspect_is_looked_for_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    found, x = sines()
    asked = []
    monkeypatch.setattr(statistical, "deviations", lambda *_, **__: asked.append(1) or pytest.fail("asked too early"))
    gradient = np.sin(x) + x * np.cos(x)
    judge(found, np.sum(x * np.sin(x)), [gradient + np.spacing(4.0)], ["x"])
    assert not asked


def test_it_is_that_of_the_numbers_that_were_judged() -> None:
    found, x = sines()
    gradient = np.sin(x) + x * np.cos(x)
    judged = judge(found, np.sum(x * np.sin(x)), [gradient], ["x"])
    gradient += 1.0
    assert judged.suspicion is None


def test_a_report_can_be_sent_to_another_process() -> None:
    report = gradproof.check_grads(lambda x: np_.sum(x * np_.sin(x)), (np.array([0.5, -1.25, 2.0]),))
    other = pickle.loads(pickle.dumps(report))
    assert (other.rows, other.text) == (report.rows, report.text)


def test_what_was_made_of_a_tape_is_made_anew_where_more_is_written() -> None:
    tape, made = Tape(), []
    cells = tape.input(np.ones(3), "float64")
    count = [len(tape.once("made", lambda: made.append(1) or list(made))) for _ in range(2)]
    tape.sum(cells)
    assert [*count, len(tape.once("made", lambda: made.append(1) or list(made)))] == [1, 1, 2]


def test_a_gradient_in_memory_that_is_written_to_again_is_judged_again() -> None:
    torch = pytest.importorskip("torch")
    memory, is_right = torch.zeros(3, dtype=torch.float64), True

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            memory.copy_(g * w if ctx.needs_input_grad[1] or is_right else 2 * g * w)
            return memory, g * x

    x, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.5, -1.25, 2.0], [3.0, 0.75, -1.5]))
    # Memory that is handed out again and again is no error of the gradient.
    assert gradproof.check_grads(lambda x: Product.apply(x, w.detach()), (x,), modes="rev").verdict == "verified"
    is_right = False
    with pytest.raises(gradproof.GradientError, match="with some arguments differentiated"):
        gradproof.check_grads(lambda w, x: Product.apply(x, w), (w, x), modes="rev")
