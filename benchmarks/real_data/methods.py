"""Who takes part, on which data. A method is a row here; what it does is in the file of its side."""

from __future__ import annotations

from dataclasses import dataclass

SETS = ("JapaneseVowels", "BasicMotions", "ItalyPowerDemand", "digits")
IN_FILES = SETS[:3]  # in the folder of aeon's data; digits come with scikit-learn


@dataclass(frozen=True)
class Method:
    """One classifier.

    Attributes:
        name: by which its side knows it.
        side: "gated", "aeon" or "scikit"; what `--only` takes.
        en, zh: for the table.
        sets: on which it is run.
        chance: whether another seed gives another result; else it is run once.
    """

    name: str
    side: str
    en: str
    zh: str
    sets: tuple[str, ...] = IN_FILES
    chance: bool = True


METHODS = (
    Method("default", "gated", "`SequenceClassifier()`", "`SequenceClassifier()`", SETS),
    Method("both", "gated", "the same, `bidirectional=True`", "同上，`bidirectional=True`", SETS),
    Method("rocket", "aeon", "ROCKET", "ROCKET"),
    Method("minirocket", "aeon", "MiniRocket", "MiniRocket"),
    Method("dtw", "aeon", "1-NN, DTW", "1-NN，DTW", chance=False),
    Method("time_cnn", "aeon", "TimeCNN", "TimeCNN"),
    Method("fcn", "aeon", "FCN, 500 epochs", "FCN，500 轮"),
    Method("svc", "scikit", "`SVC(gamma=0.001)`", "`SVC(gamma=0.001)`", SETS[3:], False),
    Method("forest", "scikit", "`RandomForestClassifier()`", "`RandomForestClassifier()`", SETS[3:]),
    Method("neighbours", "scikit", "`KNeighborsClassifier()`", "`KNeighborsClassifier()`", SETS[3:], False),
)
SIDES = tuple(dict.fromkeys(method.side for method in METHODS))
