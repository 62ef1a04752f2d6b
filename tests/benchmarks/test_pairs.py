"""Alternation and the choice of a peer's best setting, with sides that only pretend."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.agree import Disagreement
from benchmarks.points import Point
from benchmarks.problem import Problem

from benchmarks import pairs

PROBLEM = Problem("lstm", Point(3, 2, 4))
EFFORT = pairs.Effort(burst=0.0, least=4, most=6, budget=0.0, trials=2, fresh=1)


class Fake:
    """Stands for a worker process: takes `seconds[variant]` per call and computes `value[variant]`."""

    def __init__(self, threads, seconds, value=None, log=None):
        self.threads, self.seconds, self.value = threads, seconds, value or {}
        self.log = [] if log is None else log
        self.prepared = {}

    def ask(self, do, **arguments):
        if do == "variants":
            return [{"name": name} for name in self.seconds]
        key = arguments["key"]
        if do == "prepare":
            self.prepared[key] = arguments["variant"].get("name")
            return 1.0
        name = self.prepared[key]
        self.log.append((do, self.threads, name))
        if do == "numbers":
            return {"y": np.full(3, self.value.get(name, 1.0), np.float32)}
        if do == "burst":
            return self.seconds[name]
        self.prepared.pop(key)
        return None


class Workers:
    def __init__(self, *fakes):
        self.fakes = {fake.threads: fake for fake in fakes}

    def get(self, side, threads):
        return self.fakes[threads]


def timed(fake):
    return pairs.Timed(fake, PROBLEM, "train", {"name": "only"}).prepare()


def test_the_sides_alternate_and_so_does_who_is_first():
    log = []
    ours, theirs = Fake("ours", {"only": 1.0}, log=log), Fake("theirs", {"only": 2.0}, log=log)
    found = pairs.alternate(timed(ours), timed(theirs), EFFORT)
    assert found == [(1.0, 2.0)] * 4
    assert [who for _, who, _ in log] == ["ours", "theirs", "theirs", "ours"] * 2


def test_pairs_end_with_the_most_when_there_is_time():
    effort = pairs.Effort(burst=0.0, least=1, most=6, budget=60.0, trials=1, fresh=1)
    assert len(pairs.alternate(timed(Fake(1, {"only": 1.0})), timed(Fake(2, {"only": 1.0})), effort)) == 6


def test_the_fastest_of_threads_and_variants_is_chosen_and_the_others_are_forgotten():
    one, two = Fake(1, {"a": 3.0, "b": 2.0}), Fake(2, {"a": 1.0, "b": 4.0})
    found = pairs.best(Workers(one, two), "torch", [1, 2], PROBLEM, "train", {"y": np.ones(3, np.float32)}, EFFORT)
    assert found.timed.process is two and found.timed.setting == "2 threads, a"
    assert list(one.prepared.values()) == [] and list(two.prepared.values()) == ["a"]


def test_a_setting_that_computes_something_else_stops_everything_before_the_clock():
    log = []
    one, two = Fake(1, {"a": 1.0}, log=log), Fake(2, {"a": 9.0}, {"a": 1.001}, log=log)
    with pytest.raises(Disagreement, match="y differs"):
        pairs.best(Workers(one, two), "torch", [1, 2], PROBLEM, "train", {"y": np.ones(3, np.float32)}, EFFORT)
    assert {do for do, _, _ in log} == {"numbers"}
