"""Whole models: a language model of characters, words or bytes and the one by counting that it has to beat; captioners
(`captioner`, and that of a course assignment, `cs231n`), a translator, piano rolls (`music`); and estimators of
scikit-learn for sequences and series, which need scikit-learn when they are asked for."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from gated.errors import require_extra
from gated.lazy import submodules
from gated.models.language_model import CharacterLanguageModel, LanguageModel
from gated.models.ngram import KneserNey
from gated.models.text_score import TextScore
from gated.publish import publish

publish("gated.models", CharacterLanguageModel, KneserNey, LanguageModel, TextScore)

ESTIMATORS = {
    "Forecaster": "gated.models.forecaster.forecaster",
    "SequenceClassifier": "gated.models.estimators.classifier",
    "SequenceRegressor": "gated.models.estimators.regressor",
}
_module, _names = submodules(__name__)


def __getattr__(name: str) -> Any:
    if name in ESTIMATORS:
        require_extra("sklearn", "sklearn")
        return getattr(importlib.import_module(ESTIMATORS[name]), name)
    return _module(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *ESTIMATORS})


__all__ = ["CharacterLanguageModel", "KneserNey", "LanguageModel", "TextScore"]
if importlib.util.find_spec("sklearn") is not None:  # else `from gated.models import *` would fail
    __all__ += [*ESTIMATORS]
