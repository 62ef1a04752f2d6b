"""Estimators of scikit-learn for sequences: what they share, `SequenceClassifier` and `SequenceRegressor`.

How a call of `fit` goes: `panel` reads the sequences, `scaling` makes of them what the network takes, `network` builds
it, `training` gives batches to a `gated.learning.Run`; `base` holds all of it together, `classifier` and `regressor`
say what stands in y and what an answer is. The classes are `gated.models.SequenceClassifier` and so on: they need
scikit-learn, which is imported with them and not before.
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
