"""Learning: optimizers, schedules, clipping; backpropagation through time, its training loop and runs with all that
people expect of them; learning in real time, online with traces or exact."""

from gated.data.sequences import Sequences
from gated.lazy import submodules
from gated.learning.realtime.compare import GradientDifference, compare_gradients
from gated.learning.realtime.lahore_lstm import LahoreLSTM
from gated.learning.realtime.online import Online
from gated.learning.realtime.rtrl import RTRLCost, rtrl_cost
from gated.learning.rules import schedules
from gated.learning.rules.clipping import clip_by_global_norm, global_norm
from gated.learning.rules.optimizers import SGD, Adam, AdamW, Optimizer, RMSProp
from gated.learning.training.bptt import Gradients, full_step, gradients, truncated_step
from gated.learning.training.callbacks import Callback
from gated.learning.training.fitting import History, fit
from gated.learning.training.loop import Progress, Training, Update
from gated.learning.training.progress import ProgressBar
from gated.learning.training.run import Run
from gated.learning.training.tensorboard import TensorBoard
from gated.learning.training.watches import GateWatch, GradientWatch
from gated.publish import publish

publish("gated.learning", GradientDifference, Gradients, LahoreLSTM, Online, Progress, RTRLCost, Training, Update)
publish("gated.learning", Callback, GateWatch, GradientWatch, History, ProgressBar, Run, TensorBoard)
publish("gated.learning", SGD, Adam, AdamW, Optimizer, RMSProp)

__getattr__, __dir__ = submodules(__name__)

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "GateWatch",
    "GradientDifference",
    "GradientWatch",
    "Gradients",
    "History",
    "LahoreLSTM",
    "Online",
    "Optimizer",
    "Progress",
    "ProgressBar",
    "RMSProp",
    "RTRLCost",
    "Run",
    "Sequences",
    "TensorBoard",
    "Training",
    "Update",
    "clip_by_global_norm",
    "compare_gradients",
    "fit",
    "full_step",
    "global_norm",
    "gradients",
    "rtrl_cost",
    "schedules",
    "truncated_step",
]
