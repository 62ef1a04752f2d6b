"""A small training with everything: dropout, a judge, patience, watches. Also a program, to be killed."""

import sys

import numpy as np

import gated
from gated.data import shuffled_batches
from gated.learning import Adam, GateWatch, GradientWatch, Run, Training
from gated.learning.training.loop import epoch_generator
from gated.learning.training.run_folder import RunFolder
from gated.losses import SoftmaxCrossEntropy

RNG = np.random.default_rng(0)
SEQUENCES = [RNG.integers(0, 5, RNG.integers(2, 7)) for _ in range(23)]
TARGETS = [(own + 1) % 5 for own in SEQUENCES]
HELD_OUT = next(iter(shuffled_batches(SEQUENCES[:7], 7, np.random.default_rng(1), targets=TARGETS[:7])))
LOSS = SoftmaxCrossEntropy()


def batches(epoch):
    return shuffled_batches(SEQUENCES, 5, epoch_generator(3, epoch), targets=TARGETS)


def network():
    rnn = gated.LSTM(4, 6, num_layers=2, dropout=0.3, seed=1)
    return gated.Network({"embed": gated.Embedding(5, 4), "rnn": rnn, "head": gated.Dense(6, 5)})


def make_run(folder=None, total=60, **options):
    net = network()

    def judge():
        y, _ = net.infer(HELD_OUT.x, lengths=HELD_OUT.lengths)
        return LOSS(y, HELD_OUT.target, HELD_OUT.mask)[0]

    training = Training(net, LOSS, Adam(1e-2), batches, carry_state=False, clip=1.0, seed=4)
    options = {"validate": judge, "evaluate_every": 7, "log_every": 3, "per_epoch": 5} | options
    options.setdefault("callbacks", [GateWatch(HELD_OUT, every=10), GradientWatch()])
    return Run(training, total, folder=None if folder is None else RunFolder(folder), **options)


def without_times(lines):
    return [{k: v for k, v in line.items() if "second" not in k} for line in lines]


if __name__ == "__main__":
    own = make_run(sys.argv[1], total=int(sys.argv[2]))
    if sys.argv[3] == "resume":
        own.go_on()
    else:
        own.begin()
    print("begun", flush=True)
    own.run()
