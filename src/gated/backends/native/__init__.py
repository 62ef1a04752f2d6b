"""Machine code from a cell's schedule, by way of LLVM: the modules, in the order in which data flows through them.

From the schedule to blocks

    layout         where every value of a schedule lies: one array for each that outlives a block
    lowering       a time loop's body as blocks of matrix products and elementwise operations

From blocks to LLVM IR

    ir_tools       loops, masked loads and stores, tables of jobs
    vector_math    elementary functions on vectors
    kernels        micro-kernels: a few rows times a packed matrix, the sums in registers
    team           threads that work together: phases, and the code by which they wait
    emit           the blocks of a program
    panels         the kernel that packs matrices into the order in which micro-kernels read them
    renewal        the kernels that see whether packed parameters have changed
    moves          the kernel that moves rows to another order
    gradients      the kernel that sums the parameters' gradients over the rows

From IR to machine code

    fingerprint    a name for what is compiled, the same in every process
    cache_folder   where machine code lies on disk, for this user alone
    object_cache   machine code on disk
    target         the processor; IR to machine code, or straight from the disk
    programs       all programs of a cell, compiled once

Memory and tables

    memory         leases of memory that is used again
    addresses      of arrays, for machine code
    regions        where each array lies in a lease; tables of addresses
    pool           the threads, and how many of them a piece of work deserves
    groups         how they share a batch, and the order of rows
    plan           the table of a program for given sizes, and of the jobs that pack, move and sum
    course         what each thread does, phase by phase
    pass_plan      what the plans of all passes share
    training_plan  a forward and a backward pass
    inference_plan a forward pass without a tape

The call

    inference      forward without a tape; streams
    backend        what a layer calls

A step of online learning has programs, memory and a call of its own

    online_layout  where its values lie, and its three programs
    online_emit    the step as IR
    online_run     the memory of a learner, and the call
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
