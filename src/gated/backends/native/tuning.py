"""The numbers that were chosen for speed or memory, each with its reason; results are right with others too.

One record for a processor: `tuning_for(machine)`. What is no choice (the layout of a table, a bound that a format or
an error message names) stands where it is used. Below every room: whoever needs a number reads it here, and none is
written down twice.

To try another number, in a test or for a measurement, put it in TRIED: `TRIED["worthwhile"] = 1.0`. The numbers of
machine code (`Tuning.code`) are read when code is made: what this process has compiled stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gated.backends.native.processor import Machine


@dataclass(frozen=True)
class Tuning:
    """See the module. Where a comment gives no reason, none has been written down."""

    # Machine code (codegen)

    # Rows of a micro-kernel's tile, at most: `kernels.merit` finds the best number up to here.
    largest_tile: int = 8
    # Column blocks that a micro-kernel may take at once: few rows leave registers free, which hide the latency of the
    # multiply-add.
    chunks: tuple[int, ...] = (1, 2, 4)
    # Numbers of an operand that a product over many rows takes at a time, if it is longer: so much of a packed column
    # chunk stays in the first-level cache, and so much of the rows in the second.
    product_piece: int = 256
    # Rows of a tile of a block without products: one size fits all.
    elementwise_tile: int = 8
    # Rows that go through all blocks together where reductions cut a program over all rows at once into several. 16 and
    # 96 took as long; all of them, 1.1 times as long for a whole step of training of a layer-norm LSTM.
    rows_together: int = 48
    # Rows of A and vectors of B of a tile of a matrix gradient: a row of A gives broadcasts, a row of B vectors, as
    # many of both as the registers hold.
    gradient_tile: tuple[int, int] = (6, 4)
    # Rows of A and B that a matrix gradient takes at a time: they stay in the second-level cache.
    piece: int = 256
    # Columns of an A that is wider than B, of which a matrix gradient takes a piece at a time: they too stay there, and
    # are not fetched anew for every strip of B. With 10,000 columns that took 1.5 times as long.
    gradient_block: int = 64
    # Rows of a piece that are added to one sum of numbers, the sums of a piece's chains then to another: a sum of n
    # numbers one after the other is wrong by up to n/2 units in the last place, therefore none is long.
    chain: int = 64
    # So many pieces are added as they are; of more, what each addition loses is kept and added too.
    few_pieces: int = 32
    # Vectors side by side in the gradient of a vector parameter, and in the sum of what comes back to a table's row.
    vector_chunk: int = 4
    # As `chain`, for a vector: these sums wait for memory, and shorter chains cost nothing.
    vector_chain: int = 32
    # Sums in which the squares of a vector are added: as many as hide the latency of an addition with the widest
    # registers, and fit into 16 of the narrowest; one number for all, for the result's bits depend on it.
    square_lanes: int = 16
    # Sums side by side over the units of a vector, the vectors of one reduction together: one addition need not wait
    # for the one before it. One number for all, as above.
    unit_chains: int = 4
    # Looks before a waiting thread begins to give the processor away: it may be the one that is waited for.
    busy_looks: int = 100

    # The compiler, and machine code that is kept (machine)

    # Letters of one function in LLVM's language, beyond which its module's machine code is made in the plain way: the
    # usual one takes time with the square of a function's length (1.5 to 4.4 s for 1,000 products of each other,
    # 670,000 letters, where the plain one takes 0.1 to 0.3). The plain code's products are 6 times slower: their sums
    # are not kept in registers. The longest of the zoo's functions has less than a third of this.
    long_function: int = 500_000
    # Cells and online steps, by dtype and processor, whose code one process holds.
    programs_kept: int = 128
    # Bytes of all code on disk together.
    disk_limit: int = 256 * 2**20
    # After one new entry in so many all that are there are looked at, which takes 44 ms where there are 7,000: after
    # each, the thousands of modules of a test suite would take minutes for it.
    disk_turn: int = 16
    # Bytes of one entry there: no code is as large.
    disk_largest: int = 64 * 2**20
    # Seconds after which a half-written file is nobody's, and a time of last use is worth a write.
    disk_stale: float = 3600.0

    # Leased memory (memory)

    # Bytes that may be idle beyond what was once in use.
    slack: int = 16 << 20
    # Bytes from which on memory comes from the system in pages.
    mapped: int = 128 << 10
    # Bytes up to which the system's memory for an array is had sooner than leased memory (0.8 us, 2.5 us).
    small: int = 32 << 10
    # Bytes of a call's working memory up to which it stays with the next call: to give it back and lease it again takes
    # longer (2 us) than all else that a small network's call does with it.
    kept_work: int = 1 << 20
    # How many of them stay: calls that are made at once.
    works_kept: int = 4
    # A piece may be so many times larger than what is asked for.
    loose: int = 8

    # Threads

    # Products that one thread does in a nanosecond, about: what `groups.step_work` counts with.
    products_a_nanosecond: float = 40.0
    # Bytes that one thread reads or writes in a nanosecond, about, where there is little arithmetic: what is done with
    # whole vectors is counted with it.
    bytes_a_nanosecond: float = 40.0
    # Bytes of a vector below which one operation of NumPy takes less time than a call of machine code (1 us, 5 us), and
    # the rest as long: beyond them there is work for several threads.
    few_bytes: int = 1 << 20
    # Bytes that could be read or written while one byte of random numbers is made: 0.3 and 1.7 ns a number of float32.
    bernoulli_bytes: int = 3
    # The same of a normal one.
    normal_bytes: int = 17
    # Numbers of a vector whose squares make one sum, the sums of all pieces another: so many that a piece outweighs its
    # end, so few that a vector has pieces for every thread. The result's bits depend on it.
    square_piece: int = 4096
    # Nanoseconds of work that are worth a thread.
    worthwhile: float = 30_000.0
    # Nanoseconds: of threads that meet less soon one is quicker than several with a small job in few pieces.
    far: float = 200.0
    # Bytes of one thread's rows of a step from which on they may lie side by side: a processor fetches ahead beyond
    # shorter ones into those that another thread is writing, and two were measured to take longer than one. With 0 the
    # parameters' gradients have the same bits for any number of threads, and whole steps with two take up to 1.3 times
    # as long (an LSTM of 32 units, 16 sequences); with rows apart, summed in one order for both, up to 1.09 times.
    apart: int = 64 << 10
    # Bytes of a time loop's parameters from which on few sequences share the columns though each thread could have one:
    # then a thread's part stays in its second-level cache (1 MiB where it was measured). Two threads, 4 sequences of an
    # LSTM: 1.1 times as fast with 0.5 MB, 1.5 with 1.2 MB, 1.7 with 2 MB and with 8 MB.
    columns_bytes: int = 512 << 10
    # And for each sequence: the more there are, the longer do the products take beside the reading.
    sequence_bytes: int = 128 << 10
    # Sequences of which that is true at most: with 24 it was 1.01 times, however many parameters.
    columns_sequences: int = 16
    # Column blocks for each thread there, at least: so no one has over a quarter more than its share.
    columns_blocks: int = 4
    # Of the time in which one thread reads the parameters, so much may go by there until all have met: with 0.5 MB, two
    # that needed 250 ns took 1.2 times as long as apart, with 2 MB two that needed 3.5 us 1.1 times (7 sequences).
    meeting: float = 1 / 24
    # Phases without work that show how long members wait for each other.
    trial: int = 64
    # Seconds for which that is believed: a virtual machine's processors may move.
    fresh: float = 1.0
    # Seconds for which the number of processors is believed: to ask the system takes half a microsecond.
    counted: float = 0.1
    # Nanoseconds of waiting that are doubted: perhaps two members are on one processor, and soon will not be.
    doubtful: float = 500.0
    # Seconds for which they are believed.
    doubted: float = 0.05
    # Microseconds for which a worker looks for more to do, unless the environment says otherwise: to wake a thread
    # takes longer than many a pass.
    looking: float = 300.0
    # And at least, whatever the environment says, that it sees what it was woken for.
    looking_least: float = 20.0
    # Microseconds that a caller waits for a worker that has to wake up.
    answer: float = 200.0
    # Seconds for which it does not wait again after that was in vain.
    absent: float = 0.005

    # Passes

    # Rows of a dense layer, or of another map: for fewer, and no backward pass, it is not worth it to pack the matrix.
    map_rows: int = 16
    # Nanoseconds in which one thread does a number of a loss, about: what decides how many are worth it.
    loss_work: float = 0.5
    # Bytes of the rows that one thread takes through all blocks of a loss: they stay in the second-level cache.
    loss_piece: int = 64 << 10
    # Rows of such a piece, at most.
    loss_rows: int = 64
    # Numbers of the row of zeros that is copied to where a step expects zeros, at least.
    zeros: int = 256
    # Rows for each row of a table, from which on the products with the table's rows are made once and looked up: fewer
    # would not pay for the sums of what comes back.
    table_rows: int = 2
    # Bytes of the outputs of a network's last map that are made at a time, with the loss behind them: so many fit into
    # the caches beside the matrix that a piece is multiplied by.
    head_piece: int = 1 << 20
    # Sequences: fewer are too few for a tile of rows, so that the products with x are made for many steps ahead.
    few: int = 4
    # Bytes of parameters that no cache holds until the next step: the products with x are made ahead.
    large: int = 16 << 20
    # Bytes of pre-activations that stay in the second-level cache: so many are made ahead.
    ahead: int = 256 << 10
    # Steps that are made ahead at least, that the products are worth it.
    ahead_least: int = 16
    # Bytes up to which a call's memory is kept, with the packed parameters and copies of them.
    kept: int = 4 << 20
    # Bytes of all that are kept.
    all_kept: int = 16 << 20
    # Plans (of sizes and threads) that are held: of training, and of inference.
    plans_kept: int = 64
    # Tables of one of them that wait for a call, after so many calls at once.
    tables_idle: int = 4
    # Rows that a block of an online step goes through side by side, if it is for several parameters: the 13 of an
    # LSTM's four gates fit into 16 registers, and a step of 128 units became 1.2 times as fast by what they share. With
    # all 25 of an sLSTM in one block it was 0.9 times as fast, with 28 of the cell whose gates feed each other 0.6.
    online_rows: int = 14
    # Steps of a longer stream that online learning runs in one call.
    online_steps: int = 256

    @property
    def code(self) -> tuple[Any, ...]:
        """What machine code depends on: a part of the key under which it is kept on disk."""
        kernels = self.largest_tile, self.chunks, self.product_piece, self.elementwise_tile, self.rows_together
        sums = self.gradient_tile, self.piece, self.gradient_block, self.chain, self.vector_chunk, self.vector_chain
        return *kernels, *sums, self.square_lanes, self.unit_chains, self.busy_looks, self.long_function


_MANY_REGISTERS = Tuning()  # 32 vector registers
_FEW_REGISTERS = Tuning(gradient_tile=(6, 2))  # 16; a tile of 4 rows took 1.3 times as long

TRIED: dict[str, Any] = {}  # name -> what stands for the number of this name


def tuning_for(machine: Machine | None = None) -> Tuning:
    """The numbers for a processor. Without one: those of a whole process, which are the same on every processor."""
    found = _FEW_REGISTERS if machine is not None and machine.registers < 32 else _MANY_REGISTERS
    return replace(found, **TRIED) if TRIED else found
