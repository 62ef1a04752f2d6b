"""What is wrong with a backward pass: every adjoint of theirs is measured, then explained node by node.

alphabet, mistakes      what may be written wrong
roads, backward_graph   the derived backward pass as sums of products
samples, measures       values, and what their gradients say of their adjoints
explain, logarithms     which few mistakes explain one value exactly
search, observers, sums, carried
                        one hypothesis, node by node
hypotheses              which of them to believe, and which to look at next
engine                  the entrance, `explain_gradients`
manners                 what is wrong before any formula
findings, printer, sentences   faults as data, formulas and words
"""

from gated.audit.diagnosis.engine import Diagnosis, explain_gradients
from gated.audit.diagnosis.findings import KINDS, Finding
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

__all__ = ["KINDS", "Diagnosis", "Finding", "explain_gradients"]
