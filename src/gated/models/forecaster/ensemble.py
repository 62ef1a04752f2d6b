"""Some networks, each of which learned without a block of time, and how far their intervals have to be moved.

By its own block each is judged while it learns, and there is measured where the truth lies beside its quantiles, each
by itself, for every horizon: conformalized quantile regression (Romano, Patterson & Candès, 2019, NeurIPS).
What is foretold is the mean over the networks, in order (Chernozhukov, Fernández-Val & Galichon, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Sequences
from gated.errors import wrong
from gated.learning import Judge, Report, Run
from gated.learning.runs.fit import passes
from gated.learning.training.loop import epoch_generator
from gated.models.forecaster.features import Prepared, Shape, base_of, inputs_of
from gated.models.forecaster.network import Sizes, Tables, batches_of, begin_at, foretold, network_of
from gated.models.forecaster.rows import Rows, gathered, rows_of
from gated.models.forecaster.straight_road import MOST, Road, choose, regress, sizes_of
from gated.models.schooling import schooling
from gated.nn.losses import Pinball

Array = NDArray[Any]
JUDGED = 400  # places of its block by which a member is judged on the way
WARMUP = 20  # updates over which the learning rate rises
SELDOM = 5  # updates between judgements at least
MEASURED = 2000  # and by which its intervals are measured
ALONE = 5  # blocks where there is one member: it learns without the last one


@dataclass(frozen=True)
class School:
    """How the members learn; the names are those of the estimator's arguments."""

    quantiles: tuple[float, ...]
    members: int
    window: int
    cell: Any
    hidden_size: int
    num_layers: int
    epochs: int
    batch_size: int
    learning_rate: float
    early_stopping: bool
    patience: int
    seed: int
    dtype: str
    verbose: bool


@dataclass
class Ensemble:
    """What was learned.

    Attributes:
        shape: of the features.
        sizes: of what is read.
        quantiles: the levels.
        networks: the members.
        moves: (H, Q), added to the quantiles, in scales.
        window: steps that are read.
    """

    shape: Shape
    sizes: Sizes
    quantiles: tuple[float, ...]
    networks: list[Any]
    moves: Array
    window: int

    def __call__(self, given: Sequence[Prepared]) -> Array:
        """(S, H, Q): of each series what comes after its last step; quantiles in order."""
        at = np.array([len(own) - 1 for own in given])
        number = np.arange(len(given))
        rows = Rows(number, at, at[:, None])
        tables = Tables.of(given, self.shape, self.sizes, self.networks[0].dtype)
        count = len(self.quantiles)
        whole = np.mean([foretold(net, tables, rows, self.window, count) for net in self.networks], 0)
        whole = in_order(whole, self.moves, self.quantiles)
        scale = np.array([own.scale for own in given])
        base = np.concatenate([base_of(own, self.shape, at[k : k + 1]) for k, own in enumerate(given)])
        return base[:, :, None] + scale[:, None, None] * whole


def in_order(whole: Array, moves: Array, quantiles: Sequence[float]) -> Array:
    """Quantiles (R, H, Q) moved and in order: the outer ones never cross the middle, which is not moved."""
    whole = np.sort(whole, -1)
    middle = whole[..., [quantiles.index(0.5)]] if 0.5 in quantiles else None
    whole = whole + moves
    if middle is not None:
        below = np.array(quantiles) < 0.5
        whole = np.where(below, np.minimum(whole, middle), np.maximum(whole, middle))
    return np.sort(whole, -1)


def learn(given: Sequence[Prepared], shape: Shape, school: School) -> Ensemble:
    """The ensemble of these series."""
    blocks = blocks_of(school.members)
    shape, penalty = choose(given, shape, blocks)
    rows = rows_of(given, shape, blocks)
    sizes = Sizes(
        sizes_of(np.concatenate([inputs_of(own, shape) for own in given])),
        sizes_of(gathered(given, shape, rows.at_most(MOST))[0]),
    )
    tables = Tables.of(given, shape, sizes, school.dtype)
    networks, errors = [], []
    for member in range(blocks)[-school.members :]:
        pupil = Pupil(member, rows.without(member, shape.horizon), rows.inside(member))
        if not len(pupil.mine.steps) or not len(pupil.held.steps):
            raise wrong(
                "y", "a block of time without known values", f"some in each of {blocks}; fewer members need fewer"
            )
        road = road_of(given, shape, pupil.mine, sizes.straight, penalty, school.quantiles)
        network = _taught(given, shape, school, tables, road, pupil)
        networks.append(network)
        own = pupil.held.at_most(MEASURED // school.members)
        said = np.sort(foretold(network, tables, own, school.window, len(school.quantiles)), -1)
        errors.append(gathered(given, shape, own)[1][..., None] - said)
    moves = moves_of(np.concatenate(errors), school.quantiles)
    return Ensemble(shape, sizes, school.quantiles, networks, moves, school.window)


def blocks_of(members: int) -> int:
    """Blocks of time into which series are cut for so many members."""
    return members if members > 1 else ALONE


def steps_needed(horizon: int, members: int) -> int:
    """Steps that the longest series has to have, so that every member has places to learn from and to be judged by."""
    blocks = blocks_of(members)
    return math.ceil(1.5 * (horizon * blocks / (blocks - 1) + blocks)) + 1


def moves_of(errors: Array, quantiles: Sequence[float]) -> Array:
    """(H, Q): how far each quantile has to be moved so that so many of the errors (R, H, Q) lie below it.

    With one more place than there were, as for an exchangeable newcomer; with so few that no such place is there, the
    outermost. The middle stays.
    """
    moves = np.zeros(errors.shape[1:])
    for h in range(errors.shape[1]):
        known = np.sort(errors[~np.isnan(errors[:, h, 0]), h], 0)
        count = len(known)
        for k, q in enumerate(quantiles):
            if q == 0.5 or not count:
                continue
            place = math.ceil(q * (count + 1)) if q > 0.5 else math.floor(q * (count + 1))
            moves[h, k] = known[min(max(place, 1), count) - 1, k]
    return moves


@dataclass(frozen=True)
class Pupil:
    """A member that is to learn: from which places, and by which it is judged."""

    number: int
    mine: Rows
    held: Rows


def _taught(given: Sequence[Prepared], shape: Shape, school: School, tables: Tables, road: Road, pupil: Pupil) -> Any:
    """The network of a member."""
    quantiles, seed = len(school.quantiles), school.seed + 10 * pupil.number
    network = network_of(shape, quantiles, school.cell, school.hidden_size, school.num_layers, seed, school.dtype)
    begin_at(network, road.weights, road.intercepts)
    judged, loss = pupil.held.at_most(JUDGED), Pinball(school.quantiles)
    truth = gathered(given, shape, judged)[1]

    def validate() -> float:
        said = foretold(network, tables, judged, school.window, quantiles)
        return loss(said.reshape(len(said), -1), truth)[0] / truth.shape[1]

    def batches(epoch: int) -> Iterator[Sequences]:
        return batches_of(tables, pupil.mine, school.window, school.batch_size, epoch_generator(seed, epoch))

    per_epoch = passes(batches)
    total = school.epochs * per_epoch
    training = schooling(
        network,
        loss,
        batches,
        total=total,
        optimizer="adam",
        lr=school.learning_rate,
        warmup=WARMUP,
        clip=1.0,
        seed=seed,
    )
    # the straight road alone is the first that is judged
    first, begun = validate(), network.theta.copy()
    every = max(per_epoch, SELDOM)
    run = Run(
        training,
        total,
        judge=Judge(validate, patience=school.patience) if school.early_stopping else None,
        callbacks=[Report()] if school.verbose else [],
        evaluate_every=every,
        log_every=every,
        per_epoch=per_epoch,
    )
    try:
        run.run()
    finally:  # an interrupt too leaves what is best so far
        run.restore_best()
    if school.early_stopping and (run.records.best is None or run.records.best >= first):
        network.theta[:] = begun
    return network


def road_of(given: Sequence[Prepared], shape: Shape, rows: Rows, sizes: Array, penalty: float, levels: Any) -> Road:
    """The road to the quantiles: weights (H, F), intercepts (H, Q)."""
    straight, target = gathered(given, shape, rows.at_most(MOST))
    road = regress(straight / sizes, target, shape, penalty)
    return Road(road.weights, road.intercepts[:, None] + _quantiles(target - road(straight / sizes), levels))


def _quantiles(left: Array, levels: Sequence[float]) -> Array:
    """(H, Q) of what a road leaves (R, H); 0 where nothing is known."""
    found = np.zeros((left.shape[1], len(levels)))
    for h, own in enumerate(left.T):
        known = own[~np.isnan(own)]
        if len(known):
            found[h] = np.quantile(known, levels)
    return found
