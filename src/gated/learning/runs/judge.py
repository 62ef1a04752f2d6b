"""What is made of a validation: numbers for the metrics, and one of them that decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gated.errors import ArgumentError, describe, shown, wrong, wrong_type
from gated.number_checks import one_of, real, told, whole_above_zero


class Judge:
    """Asks `validate` and says which of two values is better.

    Args:
        validate: a function without arguments: a number, or a dict of numbers by name.
        decides: name of the number that decides; None: the first one.
        better: "lower" or "higher".
        patience: so many evaluations without a better value end the run; None: it is never ended.

    Attributes:
        names: of the numbers of the last evaluation.
        column: of the metrics, in which the deciding number stands; None before the first evaluation, unless
            `decides` says it.

    Raises:
        ArgumentError, ArgumentTypeError: an argument cannot be used.
    """

    def __init__(
        self,
        validate: Callable[[], Any],
        *,
        decides: str | None = None,
        better: str = "lower",
        patience: int | None = None,
    ) -> None:
        if not callable(validate):
            raise wrong_type("validate", describe(validate), "a function without arguments, or None")
        if decides is not None and not isinstance(decides, str):
            raise wrong_type("decides", describe(decides), "the name of a number that validate gives, or None")
        self.validate, self.column, self.better = validate, decides, one_of("better", better, "lower", "higher")
        self.names: list[str] = []
        self.patience = None if patience is None else whole_above_zero("patience", patience)

    def __call__(self, taken: Mapping[str, Any]) -> tuple[dict[str, float], float]:
        """The numbers by name ("validation" if there is one without a name), and the one that decides.

        Args:
            taken: columns that have a meaning already.

        Raises:
            ArgumentError, ArgumentTypeError: they are no finite numbers, or have bad names.
        """
        came = self.validate()
        if isinstance(came, Mapping) and came:
            values = {self._name(name, taken): _finite(f"validate[{name!r}]", own) for name, own in came.items()}
        elif isinstance(came, Mapping):
            raise wrong("validate", "an empty dict", "at least one number")
        else:
            values = {"validation": _finite("validate", came)}
        self.names = list(values)
        if self.column is None:
            self.column = next(iter(values))
        if self.column not in values:
            raise wrong("decides", told(self.column), f"one of {shown(', '.join(values))}: that is what validate gives")
        return values, values[self.column]

    def _name(self, name: Any, taken: Mapping[str, Any]) -> str:
        if not isinstance(name, str):
            raise wrong_type("validate", f"a dict with the key {told(name)}", "texts as keys")
        if name in taken or name in ("seconds", "warning", "gates", "predictions_per_second"):
            raise wrong("validate", f"a number called {name!r}", "another name: the metrics have such a column")
        return name

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than the best one so far."""
        return best is None or (value < best if self.better == "lower" else value > best)


def _finite(name: str, value: Any) -> float:
    item = getattr(value, "item", None)
    number = real(name, item() if item is not None and getattr(value, "size", 0) == 1 else value)
    if not math.isfinite(number):
        raise ArgumentError(f"{name}: got {number}, expected a finite number")
    return number
