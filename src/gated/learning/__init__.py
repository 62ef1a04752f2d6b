"""Learning: optimizers, schedules, clipping; backpropagation through time and its training loop; learning in real time,
online with traces or exact."""

from gated.data.sequences import Sequences
from gated.lazy import submodules
from gated.learning.realtime.compare import GradientDifference, compare_gradients
from gated.learning.realtime.lahore_lstm import LahoreLSTM
from gated.learning.realtime.online import Online
from gated.learning.realtime.rtrl import RTRLCost, rtrl_cost
from gated.learning.rules import schedules
from gated.learning.rules.clipping import clip_by_global_norm, global_norm
from gated.learning.rules.optimizers import SGD, Adam, AdamW, Optimizer, RMSProp
from gated.learning.runs.callbacks import Callback
from gated.learning.runs.fit import fit
from gated.learning.runs.gate_watch import GateReport, GateWatch, gate_reports
from gated.learning.runs.gradient_watch import GradientWatch
from gated.learning.runs.history import History
from gated.learning.runs.judge import Judge
from gated.learning.runs.report import Report
from gated.learning.runs.run import Run
from gated.learning.runs.tensorboard import TensorBoard
from gated.learning.training.bptt import Gradients, full_step, gradients, truncated_step
from gated.learning.training.loop import Progress, Training, Update
from gated.publish import publish

publish("gated.learning", GradientDifference, Gradients, LahoreLSTM, Online, Progress, RTRLCost, Training, Update)
publish("gated.learning", Callback, GateReport, GateWatch, GradientWatch, History, Judge, Report, Run, TensorBoard)
publish("gated.learning", SGD, Adam, AdamW, Optimizer, RMSProp)

__getattr__, __dir__ = submodules(__name__)

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "GateReport",
    "GateWatch",
    "GradientDifference",
    "GradientWatch",
    "Gradients",
    "History",
    "Judge",
    "LahoreLSTM",
    "Online",
    "Optimizer",
    "Progress",
    "RMSProp",
    "RTRLCost",
    "Report",
    "Run",
    "Sequences",
    "TensorBoard",
    "Training",
    "Update",
    "clip_by_global_norm",
    "compare_gradients",
    "fit",
    "full_step",
    "gate_reports",
    "global_norm",
    "gradients",
    "rtrl_cost",
    "schedules",
    "truncated_step",
]
