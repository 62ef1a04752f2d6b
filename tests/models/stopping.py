"""A run that somebody stops."""

import os
import signal

import pytest

import gated


def stopped_at(step, run):
    """Run until Ctrl-C comes in an update."""

    class Stop(gated.learning.Callback):
        def on_update(self, own, update):
            if update.step == step:
                os.kill(os.getpid(), signal.SIGINT)

    run.callbacks.append(Stop())
    with pytest.raises(KeyboardInterrupt):
        run.run()
