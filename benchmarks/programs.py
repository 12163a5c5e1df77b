"""Random programs in number: how many a second, what they found, each finding in full. Run it with other seeds at will:

python -m benchmarks.programs --backend torch,jax --count 10000 --seed 7"""

import argparse
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gradproof.backends import BACKENDS, MODES
from gradproof.verification.programs import Alarm, Program, cause_of, check, programs, truth_of

BATCH = 1000
"""Hypothesis remembers what it has drawn; it forgets between batches."""

MODES_OF = {"reverse": 6, "forward": 1, "vectorized": 1, "forward_over_reverse": 1, "reverse_over_reverse": 1}
"""The modes and how often each comes: what is compiled costs a second and is asked for by --mode."""

DTYPES_OF = {"float64": 4, "float32": 2, "float16": 1, "bfloat16": 1}


class Campaign:
    """What was tried and found on some backends."""

    def __init__(self, backends: list[str], modes: list[str], dtypes: list[str]) -> None:
        self.backends, self.modes, self.dtypes = backends, modes, dtypes
        self.tried: Counter = Counter()
        self.skipped: Counter = Counter()
        self.seconds: Counter = Counter()
        self.known: Counter = Counter()
        self.alarms: list[Alarm] = []
        self.refused: dict[tuple[str, str], Alarm] = {}

    def try_(self, program: Program, mode: str, dtype: str) -> None:
        """One program on every backend, in one mode and dtype."""
        start = time.perf_counter()
        try:
            checked = truth_of(program)
        except Exception as error:
            self.skipped[f"no truth: {type(error).__name__}: {error}"[:90]] += 1
            return
        finally:
            self.seconds["truth"] += time.perf_counter() - start
        if checked.problem:
            self.skipped[checked.problem.split(":")[0][:60]] += 1
            return
        for backend in self.backends:
            if mode in BACKENDS[backend].modes and dtype in BACKENDS[backend].dtypes:
                start = time.perf_counter()
                self._keep(check(checked, backend, dtype, mode))
                self.seconds[backend] += time.perf_counter() - start
                self.tried[backend, mode] += 1

    def _keep(self, alarm: Alarm | None) -> None:
        if alarm is None:
            return
        if not alarm.refused and (cause := cause_of(alarm)):
            self.known[alarm.backend, cause] += 1
            return
        if not alarm.refused:
            self.alarms.append(alarm)
            print(f"ALARM {alarm}", flush=True)
            return
        key = alarm.backend, alarm.judgement.reason[:70]
        kept = self.refused.get(key)
        if kept is None or len(alarm.program.source) < len(kept.program.source):
            self.refused[key] = alarm


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="autograd,torch")
    parser.add_argument("--mode", default="")
    parser.add_argument("--dtype", default="")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--refused", type=Path, help="write the shortest program for each refusal here")
    given_ = parser.parse_args()
    modes = given_.mode.split(",") if given_.mode else [m for m, n in MODES_OF.items() for _ in range(n)]
    dtypes = given_.dtype.split(",") if given_.dtype else [d for d, n in DTYPES_OF.items() for _ in range(n)]
    assert set(modes) <= set(MODES)
    campaign = Campaign(given_.backend.split(","), modes, dtypes)
    start = time.perf_counter()
    for batch in range(-(-given_.count // BATCH)):
        _run(campaign, min(BATCH, given_.count - batch * BATCH), given_.seed + 1_000_000 * batch)
        print(
            f"{(batch + 1) * BATCH} drawn, {time.perf_counter() - start:.0f} s, {len(campaign.alarms)} alarms",
            flush=True,
        )
    _report(campaign, time.perf_counter() - start)
    if given_.refused:
        given_.refused.write_text("\n\n".join(str(a) for a in campaign.refused.values()))


def _run(campaign: Campaign, count: int, start: int) -> None:
    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs(), st.sampled_from(campaign.modes), st.sampled_from(campaign.dtypes))
    def run(program: Program, mode: str, dtype: str) -> None:
        campaign.try_(program, mode, dtype)

    run()


def _report(campaign: Campaign, seconds: float) -> None:
    total = sum(campaign.tried.values())
    print(
        f"{total} programs checked in {seconds:.0f} s, {total / seconds:.1f} a second; alarms: {len(campaign.alarms)}"
    )
    print("seconds:", {name: round(spent, 1) for name, spent in campaign.seconds.items()})
    print("checked:", {" ".join(name): count for name, count in sorted(campaign.tried.items())})
    print("known defects met:", {" ".join(name): count for name, count in sorted(campaign.known.items())})
    print("skipped:", dict(campaign.skipped))
    print("refusals, the shortest program of each kind:")
    for (backend, reason), alarm in sorted(campaign.refused.items()):
        print(f"  {backend}: {reason}  <- {alarm.mode}, {len(alarm.program.statements)} statements")


if __name__ == "__main__":
    main()
