"""Machine code from a cell's schedule, by way of LLVM.

The passes, in order: `lowering` (schedule -> blocks of products and elementwise operations), `emit` (blocks -> LLVM
IR; `vector_math` has the functions), `target` (IR -> machine code), `programs` (both loops of a cell, compiled once),
`backend` (buffers, packed matrices, the call), `pool` (threads over the batch).
"""
