"""Learning while it runs: online learning with traces, exact real-time recurrent learning, the Java rule."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
