"""The benchmarks of what is seen and of what it costs: their arithmetic, and that a ratio that grows fails."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers, power
from benchmarks.peers import Cost
from gradproof.oracles.tape import solve
from tests.unit.test_first_order import deep, layers, layers_in_floats
from tests.unit.test_tape import program


def test_a_tolerance_sees_what_it_says_it_sees() -> None:
    arrays = deep(3)
    found = solve(*program(layers, *arrays, format="float32"))
    _, gradient = layers_in_floats(*(a.astype(np.float32) for a in arrays))
    seen = {way: power.power(found, gradient, way, "float32") for way in power.WAYS}
    assert seen["8 σ"].largest < seen["first order"].largest <= 1.01 * seen["balls"].largest
    for way in power.WAYS:
        assert seen[way].largest <= seen[way].every
        assert seen[way].median <= seen[way].every
        assert seen[way].honest < 1
    wrong = [part.copy() for part in gradient]
    worst = np.unravel_index(np.argmax(np.abs(wrong[1])), wrong[1].shape)
    wrong[1][worst] *= 1 + 2 * seen["balls"].largest
    assert power.power(found, wrong, "balls", "float32").honest > 1


def test_what_is_not_seen_is_told() -> None:
    assert power.shown(math.inf) == power.shown(1e4) == "none"
    assert power.shown(0.00123) == "1e-03"


def test_seconds_grow_with_a_power_of_the_size() -> None:
    by_size = {n: Cost(1e-3 * (2 * n + 39) ** 2, 1, 0.0) for n in (10, 100)} | {1000: "over 60 s"}
    assert peers.exponent(by_size) == "2.0"
    assert peers.exponent({10: Cost(1.0, 1, 0.0)}) == ""
    (line,) = peers.cost_lines({"some checker": by_size}, (10, 100, 1000))
    assert line[3] == "over 60 s"


def test_where_another_checker_is_quicker_is_told() -> None:
    found = {"**Gradproof**, jax float64": {10: Cost(2.0, 1, 0.0)}, "JAX check_grads, float64": {10: Cost(0.5, 3, 0.0)}}
    assert list(peers.quicker(found, (10,))) == ["JAX check_grads, float64 at 59 parameters: 4.0 times quicker"]
    found["JAX check_grads, float64"][10] = Cost(4.0, 3, 0.0)
    assert not list(peers.quicker(found, (10,)))


def test_a_ratio_that_grows_by_more_than_a_quarter_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ratios.json"
    monkeypatch.setattr(peers, "on_one_core", lambda: None)
    monkeypatch.setattr(peers, "ratios", lambda: {"ours to its gradient": 10.0})
    assert peers.guard(path, record=True) == 0
    assert json.loads(path.read_text(encoding="utf-8")) == {"ours to its gradient": 10.0}
    for now, status in ((12.4, 0), (12.6, 1)):
        monkeypatch.setattr(peers, "ratios", lambda now=now: {"ours to its gradient": now})
        assert peers.guard(path, record=False) == status
    # A ratio that is no longer measured guards nothing.
    monkeypatch.setattr(peers, "ratios", dict)
    assert peers.guard(path, record=False) == 1


@pytest.mark.parametrize("name", list(peers.PEERS)[:2], ids=["first", "second"])
def test_a_peer_is_tried_at_entries_large_and_small(name: str) -> None:
    pytest.importorskip("autograd")
    found = peers.caught(peers._registry()["log_sum_exp"], name)
    assert len(found) == peers.ENTRIES
    assert max(found) < 1
