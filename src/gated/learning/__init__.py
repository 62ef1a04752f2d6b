"""Learning: optimizers, schedules, clipping, backpropagation through time, the training loop and its run folder."""

from gated.learning import schedules
from gated.learning.bptt import Sequences, full_step, truncated_step
from gated.learning.clipping import clip_by_global_norm, global_norm
from gated.learning.loop import Training
from gated.learning.optimizers import SGD, Adam, AdamW, Optimizer, RMSProp

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSProp",
    "Sequences",
    "Training",
    "clip_by_global_norm",
    "full_step",
    "global_norm",
    "schedules",
    "truncated_step",
]
