"""Machine code from a cell's schedule, by way of LLVM: rooms, each of which imports only those before it.

What has no processor in it, `gated.program`, makes blocks of a schedule; these become

codegen: LLVM IR

    ir_tools       loops, masked loads and stores, tables of jobs
    vector_math    what elementary functions on vectors are made of
    elementary     the elementwise operations, by their names in the book of operations
    reductions     the reductions over the units, by their names in the book
    kernels        micro-kernels: a few rows times a packed matrix, the sums in registers
    team           threads that work together: phases, and the code by which they wait
    context        where in a program's table each number lies
    body           the elementwise part of a block
    pieces         long operands of products, piece by piece
    products       the products of a tile of rows
    in_place       a program with one sequence at a time
    emit           the blocks of a program: a time loop, and tiles of rows
    panels         the kernels that pack matrices into the order in which machine code reads them, and back
    renewal        the kernels that see whether packed parameters have changed
    moves          the kernel that moves rows to another order
    vectors        the kernels for whole vectors of parameters and gradients
    update_rules   the rules of the optimizers, each in one pass over such vectors
    table_rows     the kernels that look up rows of a table, and sum what comes back to them
    draws          the kernels that draw random numbers by their places
    gradient_kernels  the kernels that sum the parameters' gradients over the rows
    settling       the kernel that sums a loss over the rows

machine: from IR to machine code

    fingerprint    a name for what is compiled, the same in every process
    cache_folder   where machine code lies on disk, for this user alone
    object_cache   machine code on disk
    target         the processor; IR to machine code, or straight from the disk
    programs       all programs of a cell, and the kernels that are no cell's, compiled once

memory

    leases         memory that is used again
    addresses      of arrays, for machine code
    regions        where each array lies in a lease; tables of addresses

threads

    pool           the threads, and how many of them a piece of work deserves
    groups         how they share a batch, and the order of rows

passes: tables, plans, calls

    plan           the table of a program for given sizes, and of the jobs that pack, move and sum
    course         what each thread does, phase by phase
    pass_plan      what the plans of all passes share
    sealed_plan    what those of passes that belong together share: a seal, the parameters' gradients
    training_plan  a forward and a backward pass
    layer_plan     the same for a layer on its own, between its caller's states
    layer_tape     what such a pass leaves for who looks inside
    layer_tables   their tables, as calls have filled them in
    layer_pass     the calls of both
    map_plan       the same for functions without states; a loss
    inference_plan a forward pass without a tape
    prepared       such a plan with memory, ready to run
    chain          all layers and directions in one call
    inference      forward without a tape; streams
    tasks          calls of the kernels that are no cell's
    update_numbers what the rules of the optimizers are given
    vectors        what is done with whole vectors and tables
    maps           functions without states over rows: dense layers, losses
    table_scan_plan  a training pass behind a small table
    head_plan      the last map of a network with the loss behind it
    assembly       the courses of several plans, joined
    step_parts     what each link of a network adds to a training step
    step_plan      a whole training step
    training_step  the call of one
    backend        what layers and learners call
    learner_plan   online learning: where the memory of a learner lies
    step_update    the update of an online step that goes over whole vectors
    learner        the memory of a learner, and the call of its steps

Below all rooms: `processor`, what is known of one, and `tuning`, the numbers that were chosen for it.
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
