"""The assignment's captioner: an image's features begin the state of a recurrent network that writes the caption.

Legend: N captions, T words, D features, V words of the vocabulary, W numbers of a word's vector, H hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gated.errors import describe, shown, wrong, wrong_type
from gated.models.cs231n.arguments import Array, checked, common_dtype, real, whole_numbers
from gated.models.cs231n.columns import LSTM, RNN, from_rest
from gated.models.cs231n.recurrent import lstm_backward, lstm_forward, rnn_backward, rnn_forward
from gated.models.cs231n.words import (
    affine,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)
from gated.nn import Embedding, Network, checks
from gated.number_checks import one_of, whole, whole_above_zero

NAMES = "W_proj", "b_proj", "W_embed", "Wx", "Wh", "b", "W_vocab", "b_vocab"
CELLS = {"rnn": (RNN, rnn_forward, rnn_backward), "lstm": (LSTM, lstm_forward, lstm_backward)}


class CaptioningRNN:
    """Captions of images: h0 = features W_proj + b_proj, word vectors in, scores of the next word out.

    The first weights are drawn by `numpy.random.randn`, in the assignment's order: after the same `numpy.random.seed`
    they are those of the assignment.

    Args:
        word_to_idx: word -> id, with `<NULL>`, and for `sample` with `<START>` and, where captions are to end, `<END>`.
            V is its length; ids beyond it are allowed for words that are not used.
        input_dim: D.
        wordvec_dim: W.
        hidden_dim: H.
        cell_type: "rnn" or "lstm".
        dtype: of the first weights, float32 or float64.

    Attributes:
        params: W_proj (D, H), b_proj (H,), W_embed (V, W), Wx (W, H), Wh (H, H), b (H,), W_vocab (H, V), b_vocab (V,);
            for the LSTM Wx, Wh and b have 4H columns, i f o g. A dict whose entries may be written to and replaced:
            each call reads them anew.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """

    def __init__(
        self,
        word_to_idx: Mapping[str, int],
        input_dim: int = 512,
        wordvec_dim: int = 128,
        hidden_dim: int = 128,
        cell_type: str = "rnn",
        dtype: Any = np.float32,
    ) -> None:
        self.cell_type = one_of("cell_type", cell_type, *CELLS)
        self.dtype = real("dtype", checks.dtype(dtype))
        self.word_to_idx = _numbered(word_to_idx)
        self.idx_to_word = {number: word for word, number in self.word_to_idx.items()}
        self._id("<NULL>")
        D, W, H = (
            whole_above_zero(name, value)
            for name, value in (("input_dim", input_dim), ("wordvec_dim", wordvec_dim), ("hidden_dim", hidden_dim))
        )
        V, K = len(self.word_to_idx), len(CELLS[cell_type][0].gates)
        self.params: dict[str, Any] = {  # in the order in which the assignment draws
            "W_embed": np.random.randn(V, W) / 100,
            "W_proj": np.random.randn(D, H) / np.sqrt(D),
            "b_proj": np.zeros(H),
            "Wx": np.random.randn(W, K * H) / np.sqrt(W),
            "Wh": np.random.randn(H, K * H) / np.sqrt(H),
            "b": np.zeros(K * H),
            "W_vocab": np.random.randn(H, V) / np.sqrt(H),
            "b_vocab": np.zeros(V),
        }
        for name, value in self.params.items():
            self.params[name] = value.astype(self.dtype)

    def loss(self, features: Any, captions: Any) -> tuple[float, dict[str, Array]]:
        """The loss of the captions and its gradients.

        Every word is to foretell the one after it. The loss is the sum of -log p over the words after the first that
        are not `<NULL>`, divided by N.

        Args:
            features: (N, D).
            captions: (N, T) ids, T >= 2.

        Returns:
            the loss, and its gradients by the names of `params`, each of its parameter's shape, in the dtype of all.

        Raises:
            ArgumentError, ArgumentTypeError: an argument or an entry of `params` does not fit, or holds NaN.
        """
        own, features = self._read(features)
        captions = whole_numbers("captions", captions, (len(features), "T"))
        if captions.shape[1] < 2:
            raise wrong("captions", describe(captions), "at least two words: each foretells the one after it")
        checks.ids("captions", captions, len(own["W_embed"]))
        _, forward, backward = CELLS[self.cell_type]
        words_in, words_out = captions[:, :-1], captions[:, 1:]

        h0, proj = temporal_affine_forward(features[:, None], own["W_proj"], own["b_proj"])
        words, embed = word_embedding_forward(words_in, own["W_embed"])
        h, recurrent = forward(words, h0[:, 0], own["Wx"], own["Wh"], own["b"])
        scores, vocab = temporal_affine_forward(h, own["W_vocab"], own["b_vocab"])
        loss, dscores = temporal_softmax_loss(scores, words_out, words_out != self._id("<NULL>"))

        grads = dict(own)  # in its order; each entry is replaced
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, vocab)
        dwords, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, recurrent)
        grads["W_embed"] = word_embedding_backward(dwords, embed)
        _, grads["W_proj"], grads["b_proj"] = temporal_affine_backward(dh0[:, None], proj)
        return loss, grads

    def sample(self, features: Any, max_length: int = 30) -> Array:
        """Captions, of which every word is the likeliest after those before it.

        Args:
            features: (N, D).
            max_length: how many words a caption has at most.

        Returns:
            (N, max_length) ids, without `<START>`; `<NULL>` after `<END>`.

        Raises:
            ArgumentError, ArgumentTypeError: an argument or an entry of `params` does not fit, or `word_to_idx` has no
                `<START>`.
        """
        own, features = self._read(features)
        length, count = whole_above_zero("max_length", max_length), len(own["W_embed"])
        start = self._id("<START>")
        if start >= count:
            raise wrong("word_to_idx['<START>']", str(start), f"an id below {count}, the number of words")
        embed = Embedding(*own["W_embed"].shape, dtype=features.dtype)
        embed.params["W"] = own["W_embed"]
        rnn = CELLS[self.cell_type][0].layer(own["Wx"], own["Wh"], own["b"])
        vocab = affine(own["W_vocab"], own["b_vocab"])
        h0 = affine(own["W_proj"], own["b_proj"]).infer(features)[0][None]
        network, state = Network({"embed": embed, "rnn": rnn, "vocab": vocab}), {"rnn": from_rest(rnn, h0)}
        uniforms = np.zeros((length, len(features)))  # nothing is left to chance
        drawn = network.stream(len(features), state).draw(np.full(len(features), start), uniforms, temperature=0.0).T
        is_end = drawn == self.word_to_idx.get("<END>", -1)
        after = np.cumsum(is_end, axis=1) - is_end > 0
        return np.where(after, self._id("<NULL>"), drawn)

    def _read(self, features: Any) -> tuple[dict[str, Array], Array]:
        """The parameters as they are now and the features, all in the dtype of the parameters."""
        if not isinstance(self.params, dict) or self.params.keys() != set(NAMES):
            got = sorted(map(str, self.params)) if isinstance(self.params, dict) else describe(self.params)
            raise wrong("params", got, f"a dict of {', '.join(NAMES)}")
        given = {name: f"params[{name!r}]" for name in self.params}
        dtype = real("params", common_dtype(**{given[name]: value for name, value in self.params.items()}))
        common_dtype(features=features)
        V, W = checked(given["W_embed"], self.params["W_embed"], ("V", "W"), dtype).shape
        D, H = checked(given["W_proj"], self.params["W_proj"], ("D", "H"), dtype).shape
        KH = len(CELLS[self.cell_type][0].gates) * H
        shapes = dict(zip(NAMES, [(D, H), (H,), (V, W), (W, KH), (H, KH), (KH,), (H, V), (V,)], strict=True))
        own = {name: _finite(given[name], self.params[name], shapes[name], dtype) for name in self.params}
        return own, _finite("features", features, ("N", D), dtype)

    def _id(self, word: str) -> int:
        if word not in self.word_to_idx:
            raise wrong("word_to_idx", f"no {word!r}", "an id for it")
        return self.word_to_idx[word]


def _finite(name: str, value: Any, shape: tuple[int | str, ...], dtype: Any) -> Array:
    array = checked(name, value, shape, dtype)
    bad = ~np.isfinite(array)
    if bad.any():
        place = np.argwhere(bad)[0].tolist()
        raise wrong(name, f"{array[tuple(place)]} at {place}", "finite numbers")
    return array


def _numbered(word_to_idx: Any) -> dict[str, int]:
    """The words with their ids. Raises ArgumentError, ArgumentTypeError."""
    if not isinstance(word_to_idx, Mapping):
        raise wrong_type("word_to_idx", describe(word_to_idx), "a dict of words and their ids")
    return {word: whole(f"word_to_idx[{shown(repr(word), 40)}]", number, 0) for word, number in word_to_idx.items()}
