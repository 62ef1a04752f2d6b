"""Event files: the numbers in them are those of the metrics."""

from __future__ import annotations

import sys

import pytest
from tests.learning.small_run import IDS, network, train

from gated.errors import MissingExtraError
from gated.learning import GateWatch, TensorBoard
from gated.learning.runs import tensorboard


def events(folder):
    """Read by tensorboardX's own protocol buffers: a length of 8 bytes, 4 of checksum, the event, 4 of checksum."""
    from tensorboardX.proto.event_pb2 import Event

    for file in folder.iterdir():
        content = file.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            event = Event()
            event.ParseFromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                yield event.step, value


def test_scalars_and_histograms_are_written(tmp_path):
    pytest.importorskip("tensorboardX")
    watch = GateWatch(IDS[:20].reshape(10, 2), every=4)
    callbacks = [watch, TensorBoard(tmp_path / "events")]
    history = train(network(), updates=12, callbacks=callbacks, patience=None)
    found = list(events(tmp_path / "events"))
    scalars = {(value.tag, step): value.simple_value for step, value in found if value.WhichOneof("value") != "histo"}
    for step, value in history.column_of("held_out"):
        assert scalars["metrics/held_out", step] == pytest.approx(value, rel=1e-6)
    assert {step for tag, step in scalars if tag == "update/loss"} == {3, 6, 9, 12}
    assert {step for tag, step in scalars if tag == "gates/rnn.l0.f/above"} == {4, 8, 12}
    histograms = {(value.tag, step) for step, value in found if value.WhichOneof("value") == "histo"}
    assert ("gates/rnn.l1.o", 8) in histograms


def test_without_a_writer_it_says_what_to_install(monkeypatch, tmp_path):
    for name in ("tensorboardX", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        MissingExtraError, match=r"^tensorboardX is needed for this; install it with: pip install 'gated\["
    ):
        TensorBoard(tmp_path)


def test_torch_s_writer_will_do(monkeypatch):
    import types

    class SummaryWriter:
        pass

    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    torch = types.ModuleType("torch.utils.tensorboard")
    torch.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "torch.utils", types.ModuleType("torch.utils"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", torch)
    assert tensorboard.writer_class() is SummaryWriter
