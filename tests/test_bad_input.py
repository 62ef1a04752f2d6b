"""Every way to be wrong has an error of the right type, in one line, that names the argument and what should come."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

import gated
from gated import GRU, LSTM, RNN, Dense, Embedding, Network, PeepholeLSTM, Recurrent, exp, sigmoid, tanh
from gated.cells import lstm
from gated.errors import ArgumentError, ArgumentTypeError, CellError, FileFormatError, GatedError, MissingExtraError
from gated.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from gated.nn import ParameterVector, network_from_config

# (what is called, error, parts of its message)---------------------------------------------------------


@gated.cell
def residual(x, h, *, U):
    return x + tanh(U.h @ h)


@dataclass
class Things:
    """What the cases call: layers, and what their forward passes gave."""

    def __post_init__(self):
        self.x = np.zeros((5, 2, 3))
        self.ids = np.zeros((5, 2), int)
        self.lstm, self.gru = LSTM(3, 4), GRU(3, 4)
        self.both = LSTM(3, 4, bidirectional=True)
        self.dropout = LSTM(3, 4, 2, dropout=0.5)
        self.dense, self.embed = Dense(4, 2), Embedding(7, 3)
        self.net = Network({"embed": Embedding(7, 3), "rnn": GRU(3, 4), "head": Dense(4, 2)})
        self.y, self.state, self.tape = self.lstm.forward(self.x)
        self.dense_y, _, self.dense_tape = self.dense.forward(self.y)
        self.net_y, _, self.net_tape = self.net.forward(self.ids)
        self.step_state, self.step_tape = self.lstm.step(self.x[0])
        self.h = np.zeros((1, 2, 4))
        self.softmax, self.squares = SoftmaxCrossEntropy(), SquaredError()

    def config(self, layer, **changes):
        config = json.loads(json.dumps(self.net.config()))
        config["layers"][layer][1].update(changes)
        return network_from_config(config)


def one_layer(*entry):
    return network_from_config({"kind": "network", "layers": [list(entry)]})


V, T, F = ArgumentError, ArgumentTypeError, FileFormatError
A = np.zeros
WHOLE = "a positive whole number"
CASES = {
    # constructors
    "cell is a number": (lambda t: Recurrent(3, 3, 4), T, "cell: got int 3", "gated.cells.lstm"),
    "cell is a function": (lambda t: Recurrent(lambda x, h: h, 3, 4), T, "cell: got function", "@gated.cell"),
    "input_size 0": (lambda t: LSTM(0, 4), V, "input_size: got 0", WHOLE),
    "input_size negative": (lambda t: LSTM(-1, 4), V, "input_size: got -1", WHOLE),
    "input_size a fraction": (lambda t: LSTM(3.0, 4), T, "input_size: got float 3.0", WHOLE),
    "input_size a text": (lambda t: LSTM("3", 4), T, "input_size: got str '3'", WHOLE),
    "input_size true": (lambda t: LSTM(True, 4), T, "input_size: got bool True", WHOLE),
    "input_size None": (lambda t: RNN(None, 4), T, "input_size: got None", WHOLE),
    "hidden_size 0": (lambda t: GRU(3, 0), V, "hidden_size: got 0", WHOLE),
    "hidden_size a list": (lambda t: PeepholeLSTM(3, [4]), T, "hidden_size: got list [4]", WHOLE),
    "num_layers 0": (lambda t: LSTM(3, 4, 0), V, "num_layers: got 0", WHOLE),
    "bidirectional a number": (lambda t: LSTM(3, 4, bidirectional=1), T, "bidirectional: got int 1", "True or False"),
    "dropout 1": (lambda t: LSTM(3, 4, dropout=1.0), V, "dropout: got 1.0", "0 <= p < 1"),
    "dropout nan": (lambda t: LSTM(3, 4, dropout=math.nan), V, "dropout: got nan", "a finite number"),
    "dropout a text": (lambda t: LSTM(3, 4, dropout="a"), T, "dropout: got str 'a'", "a number"),
    "batch_first a number": (lambda t: LSTM(3, 4, batch_first=0), T, "batch_first: got int 0", "True or False"),
    "dtype float16": (lambda t: LSTM(3, 4, dtype="float16"), T, "dtype: got 'float16'", "'float32' or 'float64'"),
    "dtype unknown": (lambda t: LSTM(3, 4, dtype="real"), T, "dtype: got str 'real'", "'float32' or 'float64'"),
    "seed negative": (lambda t: LSTM(3, 4, seed=-1), V, "seed: got -1", "a whole number >= 0"),
    "seed None": (lambda t: LSTM(3, 4, seed=None), T, "seed: got None", "numpy.random.Generator"),
    "backend unknown": (lambda t: LSTM(3, 4, backend="cuda"), V, "backend: got 'cuda'", "'reference'"),
    "init unknown": (lambda t: LSTM(3, 4, init="he"), V, "init: got 'he'", "'pytorch', 'xavier'"),
    "init a list": (lambda t: LSTM(3, 4, init=["he"]), V, "init: got ['he']", "'pytorch'"),
    "forget_bias inf": (lambda t: LSTM(3, 4, forget_bias=math.inf), V, "forget_bias: got inf", "finite"),
    "forget_bias of a GRU": (lambda t: GRU(3, 4, forget_bias=1.0), V, "forget_bias: got 1.0 for the cell gru", "b.f"),
    "sizes a number": (lambda t: LSTM(3, 4, sizes=3), T, "sizes: got int 3", "a dict"),
    "sizes of nothing": (lambda t: LSTM(3, 4, sizes={"h": 3}), V, "sizes: got 'h'", "a dimension of the cell lstm"),
    "sizes 0": (lambda t: LSTM(3, 4, sizes={"hidden": 0}), V, "sizes['hidden']: got 0", WHOLE),
    "proj_size negative": (lambda t: LSTM(3, 4, proj_size=-1), V, "proj_size: got -1", WHOLE),
    "reset_after a number": (lambda t: GRU(3, 4, reset_after=1), T, "reset_after: got int 1", "True or False"),
    "sizes that are joined": (lambda t: Recurrent(residual, 3, 4), V, "hidden_size: got 4, expected 3", "x and h"),
    # x
    "x of another size": (lambda t: t.lstm.forward(A((5, 2, 4))), V, "x: got an array of shape (5, 2, 4)", "(T, N, 3)"),
    "x without a batch": (lambda t: t.lstm.forward(A((5, 3))), V, "x: got an array of shape (5, 3)", "(T, N, 3)"),
    "x batch first": (
        lambda t: LSTM(3, 4, batch_first=True).forward(A((5, 2, 4))),
        V,
        "x: got an array of shape (5, 2, 4)",
        "(N, T, 3)",
    ),
    "x None": (lambda t: t.lstm.forward(None), T, "x: got None", "real numbers"),
    "x a text": (lambda t: t.lstm.forward("abc"), T, "x: got str 'abc'", "real numbers"),
    "x ragged": (lambda t: t.lstm.forward([[1, 2], [3]]), V, "x: got a ragged sequence", "an array"),
    "x complex": (lambda t: t.lstm.forward(t.x + 1j), T, "x: got an array", "complex128", "real numbers"),
    "x of objects": (lambda t: t.lstm.forward(t.x.astype(object)), T, "x: got an array", "object", "real numbers"),
    "x of booleans": (lambda t: t.lstm.forward(t.x > 0), T, "x: got an array", "bool", "real numbers"),
    "an empty batch": (lambda t: t.lstm.forward(A((5, 0, 3))), V, "x: got a batch of 0", "at least one sequence"),
    # state
    "state an array": (lambda t: t.lstm.forward(t.x, t.h), V, "state: got an array", "a tuple of 2 arrays (h, c)"),
    "state too short": (lambda t: t.lstm.forward(t.x, (t.h,)), V, "state: got a tuple of 1", "(h, c)"),
    "state of another cell": (lambda t: t.gru.forward(t.x, t.state), V, "state: got a tuple of 2", "1 arrays (h)"),
    "state of another size": (lambda t: t.lstm.forward(t.x, (t.h, A((1, 2, 5)))), V, "state[1] (c): got", "(1, 2, 4)"),
    "state of one layer": (lambda t: t.both.forward(t.x, t.state), V, "state[0] (h): got", "(2, 2, 4)"),
    "state None inside": (lambda t: t.lstm.forward(t.x, (t.h, None)), T, "state[1] (c): got None", "real numbers"),
    "state a dict": (lambda t: t.lstm.forward(t.x, {"h": 1}), V, "state: got dict", "a tuple of 2 arrays"),
    "batch of state": (lambda t: t.lstm.initial_state(-1), V, "batch: got -1", WHOLE),
    # lengths
    "length too large": (lambda t: t.lstm.forward(t.x, lengths=[5, 6]), V, "lengths: got a length of 6", "0 to 5"),
    "length negative": (lambda t: t.lstm.forward(t.x, lengths=[5, -1]), V, "lengths: got a length of -1", "0 to 5"),
    "too few lengths": (lambda t: t.lstm.forward(t.x, lengths=[5]), V, "lengths: got an array of shape (1,)", "(2,)"),
    "lengths a number": (lambda t: t.lstm.forward(t.x, lengths=5), V, "lengths: got an array of shape ()", "(2,)"),
    "lengths of floats": (lambda t: t.lstm.forward(t.x, lengths=[5.0, 2.0]), T, "lengths: got dtype float64", "integ"),
    "lengths of booleans": (lambda t: t.lstm.forward(t.x, lengths=[True, False]), T, "lengths: got dtype bool", "int"),
    "lengths ragged": (lambda t: t.lstm.forward(t.x, lengths=[[5], [5, 3]]), V, "lengths: got a ragged sequence"),
    "rng a seed": (lambda t: t.dropout.forward(t.x, rng=3), T, "rng: got int 3", "a numpy.random.Generator"),
    "rng a seed without dropout": (lambda t: t.lstm.forward(t.x, rng=3), T, "rng: got int 3", "Generator"),
    # backward, step
    "dy of another size": (lambda t: t.lstm.backward(t.tape, A((5, 2, 5))), V, "dy: got", "(5, 2, 4)"),
    "dy of another length": (lambda t: t.lstm.backward(t.tape, A((4, 2, 4))), V, "dy: got", "(5, 2, 4)"),
    "dy None": (lambda t: t.lstm.backward(t.tape, None), T, "dy: got None", "real numbers"),
    "dstate too short": (lambda t: t.lstm.backward(t.tape, t.y, (t.h,)), V, "dstate: got a tuple of 1", "(h, c)"),
    "tape None": (lambda t: t.lstm.backward(None, t.y), T, "tape: got None", "this layer's forward()"),
    "tape of another layer": (
        lambda t: t.lstm.backward(t.gru.forward(t.x)[2], t.y),
        T,
        "tape: got that of",
        "this layer",
    ),
    "tape of a twin": (
        lambda t: t.lstm.backward(LSTM(3, 4).forward(t.x)[2], t.y),
        T,
        "tape: got that of",
        "this layer",
    ),
    "x_t with steps": (lambda t: t.lstm.step(t.x), V, "x_t: got an array of shape (5, 2, 3)", "(N, 3)"),
    "step both ways": (lambda t: t.both.step(t.x[0]), V, "step: got a bidirectional layer", "one direction"),
    "backward_step both ways": (lambda t: t.both.backward_step(t.step_tape, t.state), V, "backward_step: got"),
    "backward_step of forward": (lambda t: t.lstm.backward_step(t.tape, t.state), T, "tape: got Tape", "step()"),
    "backward_step of nothing": (lambda t: t.lstm.backward_step(t.step_tape, None), T, "dstate: got None", "step()"),
    "astype int8": (lambda t: t.lstm.astype("int8"), T, "dtype: got 'int8'"),
    # parameters
    "a row for a matrix": (
        lambda t: t.lstm.params.__setitem__("l0.W.i", A(3)),
        V,
        "params['l0.W.i']: got an array of shape (3,)",
        "(4, 3) or one number",
    ),
    "a text for a matrix": (lambda t: t.lstm.params.__setitem__("l0.W.i", "a"), T, "params['l0.W.i']: got str 'a'"),
    "a vector too long": (lambda t: ParameterVector({"a": (2,)}, vector=A(3)), V, "vector: got", "(2,)"),
    # dense, embedding
    "output_size 0": (lambda t: Dense(3, 0), V, "output_size: got 0", WHOLE),
    "activation unknown": (lambda t: Dense(3, 4, "gelu"), V, "activation: got 'gelu'", "'sigmoid', 'tanh'"),
    "activation a list": (lambda t: Dense(3, 4, ["tanh"]), V, "activation: got ['tanh']", "'sigmoid'"),
    "activation without bias": (lambda t: Dense(3, 4, "tanh", bias=False), V, "bias: got False", "activation None"),
    "dense x of another size": (lambda t: t.dense.forward(A((5, 2, 3))), V, "x: got an array", "4)"),
    "dense x a number": (lambda t: t.dense.forward(3.0), V, "x: got an array of shape ()", "(..., 4)"),
    "dense x ragged": (lambda t: t.dense.forward([[1, 2], [3]]), V, "x: got a ragged sequence"),
    "dense dy of another size": (lambda t: t.dense.backward(t.dense_tape, A((5, 2, 3))), V, "dy: got", "10 rows of 2"),
    "dense dy a text": (lambda t: t.dense.backward(t.dense_tape, "a"), T, "dy: got str 'a'", "numbers"),
    "dense dy complex": (lambda t: t.dense.backward(t.dense_tape, t.dense_y + 1j), T, "dy: got", "complex", "numbers"),
    "dense tape of a twin": (
        lambda t: Dense(4, 2).backward(t.dense_tape, t.dense_y),
        T,
        "tape: got that of another layer",
    ),
    "num_embeddings 0": (lambda t: Embedding(0, 3), V, "num_embeddings: got 0", WHOLE),
    "ids of floats": (lambda t: t.embed.forward([0.5]), T, "x: got an array", "integer ids"),
    "id too large": (lambda t: t.embed.forward([7]), V, "x: got the id 7", "0 to 6"),
    "id negative": (lambda t: t.embed.forward([-1]), V, "x: got the id -1", "0 to 6"),
    "ids ragged": (lambda t: t.embed.forward([[1], [1, 2]]), V, "x: got a ragged sequence"),
    "embedding dy": (lambda t: t.embed.backward(t.ids, A((5, 2, 4))), V, "dy: got", "(5, 2, 3)"),
    "embedding tape": (lambda t: t.embed.backward(t.ids + 99, t.x), T, "tape: got", "this layer's forward()"),
    # network
    "no layers": (lambda t: Network({}), T, "layers: got dict {}", "at least one named layer"),
    "layers in a list": (lambda t: Network([t.lstm]), T, "layers: got list", "a dict"),
    "a name of two words": (lambda t: Network({"a b": t.lstm}), V, "layers: got the name 'a b'", "'embed'"),
    "no layer": (lambda t: Network({"a": 3}), T, "layers['a']: got int 3", "a layer: Recurrent"),
    "sizes that do not fit": (lambda t: Network({"a": LSTM(3, 4), "b": Dense(5, 2)}), V, "got input_size 5"),
    "dtypes that differ": (
        lambda t: Network({"a": LSTM(3, 4), "b": Dense(4, 2, dtype="float64")}),
        T,
        "layers['b']: got dtype float64",
        "float32, the dtype of 'a'",
    ),
    "network state a tuple": (lambda t: t.net.forward(t.ids, (1,)), T, "state: got tuple (1,)", "a dict of layer name"),
    "network state of no layer": (lambda t: t.net.forward(t.ids, {"x": 1}), V, "state: got the name 'x'", "rnn"),
    "network dstate": (lambda t: t.net.backward(t.net_tape, t.net_y, 3), T, "dstate: got int 3", "a dict"),
    "network tape": (lambda t: t.net.backward(t.net_tape[:2], t.net_y), T, "tape: got list", "this network's"),
    # a network from a file
    "config None": (lambda t: network_from_config(None), F, "network: expected an object"),
    "config without layers": (lambda t: network_from_config({"kind": "network", "layers": []}), F, "at least one"),
    "layer a number": (lambda t: network_from_config({"kind": "network", "layers": [3]}), F, "[name, object]"),
    "layer of an unknown kind": (lambda t: one_layer("a", {"kind": "conv"}), F, "kind 'conv'", "recurrent, dense"),
    "layer of an odd kind": (lambda t: one_layer("a", {"kind": ["dense"]}), F, "kind", "recurrent, dense"),
    "layer of an odd name": (lambda t: one_layer(["a"], {"kind": "dense"}), F, "cannot be the name of a layer"),
    "layer without sizes": (lambda t: one_layer("a", {"kind": "dense"}), F, "layer 'a' cannot be built", "input_size"),
    "layer without cell": (lambda t: one_layer("a", {"kind": "recurrent"}), F, "cell: got NoneType"),
    "layer twice": (
        lambda t: network_from_config({"kind": "network", "layers": [["a", t.dense.config()]] * 2}),
        F,
        "'a' cannot be the name of a layer",
    ),
    "config size negative": (lambda t: t.config(1, hidden_size=-1), F, "hidden_size: got -1", WHOLE),
    "config size absurd": (lambda t: t.config(1, hidden_size=10**30), F, "layer 'rnn' cannot be built"),
    "config sizes of lists": (lambda t: t.config(1, sizes=[[1]]), F, "sizes: got list"),
    "config with an unknown option": (lambda t: t.config(2, shape=1), F, "layer 'head' cannot be built", "shape"),
    "config activation": (lambda t: t.config(2, activation={}), F, "activation: got {}"),
    "config that does not fit": (lambda t: t.config(2, input_size=9), F, "layers['head']: got input_size 9"),
    # losses
    "reduction unknown": (lambda t: SoftmaxCrossEntropy("avg"), V, "reduction: got 'avg'", "'mean' or 'sum'"),
    "target of another shape": (lambda t: t.softmax(t.y, A((5, 3), int)), V, "target: got", "(5, 2)", "(5, 2, 4)"),
    "target too large": (lambda t: t.softmax(t.y, t.ids + 4), V, "target: got the class 4", "0 to 3"),
    "target negative": (lambda t: t.softmax(t.y, t.ids - 1), V, "target: got the class -1", "0 to 3"),
    "target of floats": (lambda t: t.softmax(t.y, A((5, 2))), V, "target: got", "(5, 2, 4)"),
    "target None": (lambda t: t.softmax(t.y, None), T, "target: got None", "numbers"),
    "target ragged": (lambda t: t.squares(t.y, [[1], [1, 2]]), V, "target: got a ragged sequence"),
    "target complex": (lambda t: t.squares(t.y, t.y + 1j), T, "target: got", "numbers"),
    "target one row": (lambda t: t.squares(t.y, t.y[0]), V, "target: got", "(5, 2, 4)"),
    "y a text": (lambda t: t.softmax("a", 1), T, "y: got str 'a'", "an array of floats"),
    "y of integers": (lambda t: SigmoidCrossEntropy()(t.ids, t.ids), T, "y: got", "int64", "an array of floats"),
    "y without classes": (lambda t: t.softmax(A((3, 0)), [0, 0, 0]), T, "y: got", "V >= 1"),
    "no rows": (lambda t: t.softmax(A((0, 4)), A(0, int)), V, "y: got no row that counts"),
    "mask of another shape": (lambda t: t.softmax(t.y, t.ids, np.ones((5, 3))), V, "mask: got", "(5, 2)"),
    "mask of zeros": (lambda t: t.softmax(t.y, t.ids, A((5, 2))), V, "mask: got no row that counts"),
    "mask negative": (lambda t: t.softmax(t.y, t.ids, -np.ones((5, 2))), V, "mask: got a negative", "weights >= 0"),
    "mask of texts": (lambda t: t.softmax(t.y, t.ids, np.full((5, 2), "a")), T, "mask: got", "numbers or booleans"),
    # check_cell, printing, functions on numbers
    "check of a number": (lambda t: gated.check_cell(3), T, "cell: got int 3", "@gated.cell"),
    "check seed": (lambda t: gated.check_cell(lstm, seed=-1), T, "seed: got int -1", "a whole number >= 0"),
    "check tolerance": (lambda t: gated.check_cell(lstm, tolerance=0), V, "tolerance: got 0", "positive"),
    "check ranges": (lambda t: gated.check_cell(lstm, ranges=3), T, "ranges: got int 3", "{'n': (0.5, 1.5)}"),
    "check range of nothing": (lambda t: gated.check_cell(lstm, ranges={"q": (0, 1)}), V, "'q'", "x, h, c, W.i"),
    "check range a number": (lambda t: gated.check_cell(lstm, ranges={"c": 3}), T, "ranges['c']: got int 3", "(low"),
    "check range of texts": (lambda t: gated.check_cell(lstm, ranges={"c": ("a", 1)}), T, "ranges['c']: got str 'a'"),
    "check range reversed": (lambda t: gated.check_cell(lstm, ranges={"c": (2, 1)}), V, "(2.0, 1.0)", "low <= high"),
    "style unknown": (lambda t: lstm.equations("html"), V, "style: got 'html'", "text, latex, numpy"),
    "style a list": (lambda t: lstm.equations(["html"]), V, "style: got ['html']", "text, latex, numpy"),
    "sigmoid of a text": (lambda t: sigmoid("a"), T, "sigmoid(): got str 'a'", "numbers or NumPy arrays"),
    "exp of nothing": (lambda t: exp(), CellError, "exp() takes 1 argument(s), got 0"),
    "a cell that is called": (lambda t: lstm(1, 2), CellError, "the cell lstm is not called itself", "gated.Recurrent"),
    "an extra that is missing": (
        lambda t: gated.errors.require_extra("gated_no_such_module", "plot"),
        MissingExtraError,
        "gated_no_such_module is needed",
        "pip install 'gated[plot]'",
    ),
}


@pytest.fixture(scope="module")
def things():
    return Things()


def check_message(error, parts):
    message = str(error)
    assert isinstance(error, GatedError)
    assert "\n" not in message and len(message) < 400
    for part in parts:
        assert part in message


@pytest.mark.parametrize("name", CASES)
def test_wrong_arguments(name, things):
    call, error, *parts = CASES[name]
    with pytest.raises(error) as caught:
        call(things)
    check_message(caught.value, parts)
    builtin = {V: ValueError, T: TypeError, F: ValueError, CellError: TypeError, MissingExtraError: ImportError}
    assert isinstance(caught.value, builtin[error])


def test_unknown_names_say_which_there_are(things):
    with pytest.raises(KeyError, match=r"no parameter 'l0.W.q'; there are l0.W.i"):
        things.lstm.params["l0.W.q"]
    with pytest.raises(KeyError, match=r"no 'q' on this tape; there are l0.i"):
        things.tape["q"]
    with pytest.raises(KeyError, match=r"no 'f' on this tape; there are .* l0_reverse.f"):
        things.both.forward(things.x)[2]["f"]  # of which direction?
    with pytest.raises(AttributeError, match="gated has no 'Lstm'"):
        gated.Lstm  # noqa: B018


def test_nan_in_gives_nan_out(things):
    x = things.x.copy()
    x[2, 1] = np.nan
    y, state, tape = things.lstm.forward(x)
    assert np.isfinite(y[:, 0]).all() and np.isfinite(y[:2, 1]).all() and np.isnan(y[2:, 1]).all()
    dx, _, grads = things.lstm.backward(tape, np.ones_like(y))
    assert np.isfinite(dx[:, 0]).all() and np.isnan(dx[:3, 1]).all() and np.isnan(grads["l0.W.i"]).all()


def test_a_failed_assignment_changes_nothing(things):
    before = things.lstm.theta.copy()
    with pytest.raises(ArgumentError):
        things.lstm.params["l0.W.i"] = np.ones((3, 4))
    assert (things.lstm.theta == before).all()


WORDS = {
    "algorithm": lambda bad: gated.learning.Online(gated.Network({"rnn": gated.RNN(2, 2)}), bad),
    "backend": lambda bad: gated.learning.Online(gated.Network({"rnn": gated.RNN(2, 2)}), backend=bad),
    "reduction": lambda bad: gated.losses.SquaredError(bad),
    "variant": lambda bad: gated.data.adding(1, 0, variant=bad),
    "grammar": lambda bad: gated.data.legal_successors("BTX", bad),
    "shape": lambda bad: gated.data.periodic_function(shape=bad),
    "order": lambda bad: gated.models.ngram.KneserNey(bad),
    "unknown": lambda bad: gated.data.Vocabulary("abc").encode("abd", unknown=bad),
}


@pytest.mark.parametrize(
    "bad", [np.ones((30, 30)), ["x"] * 2000, "x\x1b[31m\n" * 900, {}], ids=["array", "list", "text", "{}"]
)
@pytest.mark.parametrize("argument", WORDS)
def test_words_of_learning_data_and_models(argument, bad):
    """Of an array it was asked whether it equals a word; the repr of what came was told in full."""
    with pytest.raises(GatedError) as caught:
        WORDS[argument](bad)
    message = str(caught.value)
    assert message.startswith(f"{argument}: got ") and ", expected " in message
    assert message.isprintable() and len(message) < 250
