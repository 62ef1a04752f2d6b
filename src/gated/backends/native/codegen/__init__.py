"""LLVM IR: micro-kernels, elementary functions, the blocks of a program, and the kernels beside them."""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
