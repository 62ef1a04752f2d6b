"""Reductions over the units as they may stand in random cells: kept away from kinks and ill conditions."""

FORMS = {
    "sum": "({}) * tanh(0.3 * sum({}))",
    "mean": "({}) - mean({}, {})",
    "max": "({}) * max({})",
    "dot": "({}) * tanh(dot({}, {}))",
    "norm": "({}) / norm(1.5 + tanh({}))",
    "softmax": "softmax({})",
    "layer_norm": "layer_norm({}, eps=0.5)",
}
