"""Gates that are driven to 0 and 1 are seen, told and drawn."""

from __future__ import annotations

import numpy as np
import pytest

import gated
from gated.errors import GatedError
from gated.learning import SGD, GateWatch, Sequences, fit, gate_reports
from gated.learning.runs.gate_watch import gates_of, last_gates
from gated.losses import SquaredError

RNG = np.random.default_rng(3)
X, LENGTHS = RNG.standard_normal((7, 5, 3)), np.array([7, 1, 4, 0, 6])


def network(**options):
    rnn = gated.LSTM(3, 6, seed=1, dtype="float64", **options)
    return gated.Network({"rnn": rnn, "head": gated.Dense(rnn.output_size, 2, seed=2, dtype="float64")})


def test_gates_are_found_in_the_equations_and_not_by_their_names():
    assert gates_of(gated.cells.lstm) == ["i", "f", "o"]
    assert gates_of(gated.cells.gru) == ["r", "z"]
    assert gates_of(gated.cells.rnn_tanh if hasattr(gated.cells, "rnn_tanh") else gated.RNN(1, 1).cell) == []

    @gated.cell
    def strange(x, h, *, W, U, b):
        valve = gated.sigmoid(W.valve @ x + U.valve @ h + b.valve)
        f = gated.tanh(W.f @ x + b.f)
        h = valve * h + (1 - valve) * f
        return h

    assert gates_of(strange) == ["valve"]


def test_a_report_counts_what_the_tape_has():
    net = network()
    net.theta[:] *= 12
    reports = gate_reports(net, Sequences(X, None, LENGTHS))
    assert list(reports) == ["rnn.i", "rnn.f", "rnn.o"]
    *_, tape = net.forward(X, None, LENGTHS)
    inside = np.arange(7)[:, None] < LENGTHS
    for name, report in reports.items():
        values = tape[0][name[4:]][inside]
        assert values.shape == (LENGTHS.sum(), 6)
        assert report.low == np.mean(values < 0.05) and report.high == np.mean(values > 0.95)
        assert report.stuck == np.mean([(own < 0.05).all() or (own > 0.95).all() for own in values.T])
        assert report.mean == pytest.approx(values.mean())
        assert report.saturated > 0.05 and sum(report.bins) == pytest.approx(1.0)
        np.testing.assert_allclose(report.bins, np.histogram(values, 20, (0, 1))[0] / values.size)
        assert report.sample().mean() == pytest.approx(report.mean, abs=0.03)


def test_the_last_gates_are_those_of_the_last_level():
    for options, level in (({}, ""), ({"num_layers": 3}, "l2."), ({"num_layers": 2, "bidirectional": True}, "l1.")):
        *_, tape = network(**options).forward(X, None, LENGTHS)
        found = last_gates(tape[0])
        assert list(found) == ["i", "f", "o"]
        for name, values in found.items():
            np.testing.assert_array_equal(values, tape[0][level + name])
    *_, tape = gated.Network({"rnn": gated.RNN(3, 2)}).forward(X.astype("float32"))
    assert last_gates(tape[0]) == {}


def test_layers_directions_and_networks_in_networks_have_names():
    inner = gated.Network({"rnn": gated.LSTM(3, 2, num_layers=2, bidirectional=True, dtype="float64")})
    net = gated.Network({"encoder": inner, "top": gated.GRU(4, 3, dtype="float64", batch_first=False)})
    names = list(gate_reports(net, X))
    assert "encoder.rnn.l1_reverse.f" in names and names[-2:] == ["top.r", "top.z"] and len(names) == 4 * 3 + 2
    single = gated.Network({"rnn": gated.LSTM(3, 2, dtype="float64", batch_first=True)})
    assert gate_reports(single, X)["rnn.f"] == gate_reports(single, (X, None))["rnn.f"]


def test_a_gate_that_is_driven_to_one_is_told(capsys, tmp_path):
    net = network()
    net.params["rnn.l0.b.f"][:] = 20.0
    watch = GateWatch(X, every=2)
    batches = [Sequences(X, RNG.standard_normal((7, 5, 2)))]
    folder = tmp_path / "run"
    history = fit(net, SquaredError(), SGD(1e-3), batches, updates=5, callbacks=[watch], folder=folder)
    report = watch.reports["rnn.f"]
    assert report.high == report.stuck == 1.0 and report.low == 0.0 and report.mean > 0.999
    assert watch.reports["rnn.i"].saturated < 0.5
    text = "gate rnn.f is saturated at update 0: 0% of its values are below 0.05, 100% above 0.95"
    text += ", 100% of its units always"
    assert history.warnings == [text]
    assert capsys.readouterr().out.splitlines()[0] == f"warning: {text}"
    lines = [line for line in history.metrics if "gates" in line]
    assert [line["step"] for line in lines] == [0, 2, 4, 5]
    assert lines[-1]["gates"]["rnn.f"]["high"] == 1.0 and lines[-1]["gates"]["rnn.f"]["bins"][-1] == 1.0
    f_row = watch.table().splitlines()[2].split()
    assert f_row[:4] == ["rnn.f", "0.0%", "100.0%", "100.0%"]
    assert (folder / "gates.png").read_bytes().startswith(b"\x89PNG")


def test_a_gate_is_told_again_after_it_was_free():
    net, told = network(), []

    class Told:
        step, network = 0, net

        def log(self, numbers):
            pass

        def warn(self, text):
            told.append(text.split()[1])

    watch = GateWatch(X, warn_at=0.5)
    for bias in (20.0, 20.0, 0.0, -20.0):
        net.params["rnn.l0.b.o"][:] = bias
        watch._look(Told())
    assert told == ["rnn.o", "rnn.o"]


@pytest.mark.parametrize(
    "given, message",
    [
        (lambda: GateWatch(None), "^batch: got None, expected x, or a batch"),
        (lambda: GateWatch(X, every=0), "^every: got 0, "),
        (lambda: GateWatch(X, warn_at=1.5), "^warn_at: got 1.5, expected a number in"),
        (lambda: gate_reports(gated.Network({"d": gated.Dense(3, 2, dtype="float64")}), X), "^network: got no gate"),
        (lambda: gate_reports(network(), np.ones((0, 2, 3))), "^network: got no gate"),
        (lambda: gate_reports(network(), np.ones((2, 2, 4))), "^x: got .*4"),
    ],
)
def test_what_it_refuses(given, message):
    with pytest.raises(GatedError, match=message) as caught:
        given()
    assert "\n" not in str(caught.value)
