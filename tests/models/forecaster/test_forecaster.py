"""What a forecast has to be: of the scale of the series, in order, of the past alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pd = pytest.importorskip("pandas")
sklearn = pytest.importorskip("sklearn")

from tests.models.forecaster.small import small, wave  # noqa: E402

import gated  # noqa: E402
from gated.errors import FileFormatError  # noqa: E402
from gated.models import Forecaster  # noqa: E402
from gated.models.forecaster.ensemble import blocks_of, in_order, moves_of, steps_needed  # noqa: E402
from gated.models.forecaster.features import Shape, prepare, rises  # noqa: E402
from gated.models.forecaster.rows import rows_of  # noqa: E402

DAYS = pd.date_range("2024-01-01", periods=90)


@pytest.fixture(scope="module")
def model():
    return small(season=12).fit([wave(seed=1), wave(70, seed=2)])


def test_scikit_learns_manner():
    model = small(cell="gru", coverage=[0.5])
    again = sklearn.base.clone(model)
    assert again.get_params() == model.get_params() and again.coverage is not model.coverage
    assert model.set_params(horizon=2).fit(wave(), None) is model
    assert model.quantiles_ == (0.25, 0.5, 0.75) and model.n_features_in_ == 0 and model.season_ == 1
    with pytest.raises(sklearn.exceptions.NotFittedError):
        small().predict()
    with pytest.raises(sklearn.exceptions.NotFittedError):
        small().save("nowhere")
    assert repr(Forecaster(horizon=3)) == "Forecaster(horizon=3)"


def test_the_same_seed_the_same_bits():
    first, second = (small(season=12, random_state=k).fit(wave()).predict_quantiles() for k in (0, 0))
    assert np.array_equal(first, second)
    assert not np.array_equal(small(season=12, random_state=1).fit(wave()).predict_quantiles(), first)


def test_a_series_of_a_thousand_times_the_size_and_another_level(model):
    y = wave(seed=5)
    said = model.predict_quantiles(y)
    assert model.predict_quantiles(1000 * y) == pytest.approx(1000 * said, rel=1e-5)
    assert model.predict_quantiles(y - 500) == pytest.approx(said - 500, rel=1e-4)


def test_newer_history_without_learning_again(model):
    y = wave(100, seed=1)
    before = [net.theta.copy() for net in model.learned_.ensemble.networks]
    first, second = model.predict([y[:95]])[0], model.predict([y])[0]
    assert not np.array_equal(first, second)
    assert all(np.array_equal(a, b.theta) for a, b in zip(before, model.learned_.ensemble.networks, strict=True))
    assert np.array_equal(model.predict([y[:95]])[0], first)
    assert np.array_equal(model.predict([y[:95], y])[1], second)  # what stands beside it changes nothing


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 50), st.sampled_from([(0.8, 0.95), (0.5,), (0.1, 0.2, 0.9)]))
def test_quantiles_never_cross_whatever_the_network_says(seed, size, coverage):
    model, rng = small(season=12, coverage=coverage, epochs=1).fit(wave(60)), np.random.default_rng(seed)
    for net in model.learned_.ensemble.networks:
        net.theta[:] = size * rng.standard_normal(net.theta.shape)
    model.learned_.ensemble.moves[:] = size * rng.standard_normal(model.learned_.ensemble.moves.shape)
    said = model.predict_quantiles(rng.standard_normal(40))
    assert (np.diff(said, axis=1) >= 0).all() and said.shape == (3, 2 * len(coverage) + 1)


def test_in_order_keeps_the_middle():
    rng = np.random.default_rng(0)
    whole, moves = rng.standard_normal((50, 4, 5)), rng.standard_normal((4, 5))
    moves[:, 2] = 0
    found = in_order(whole, moves, (0.025, 0.1, 0.5, 0.9, 0.975))
    assert (np.diff(found, axis=-1) >= 0).all()
    assert np.array_equal(found[..., 2], np.sort(whole, -1)[..., 2])


def test_moves_hold_so_many_of_the_errors():
    rng = np.random.default_rng(0)
    errors = np.repeat(rng.standard_normal((999, 2, 1)), 5, 2)
    errors[:100, 1] = np.nan
    moves = moves_of(errors, (0.025, 0.1, 0.5, 0.9, 0.975))
    assert (moves[:, 2] == 0).all()
    for k, q in ((0, 0.025), (1, 0.1), (3, 0.9), (4, 0.975)):
        for h in range(2):
            known = errors[~np.isnan(errors[:, h, k]), h, k]
            assert np.mean(known <= moves[h, k]) == pytest.approx(q, abs=0.003)
    few = moves_of(np.array([[[1.0] * 3], [[2.0] * 3]]), (0.025, 0.5, 0.975))
    assert few.tolist() == [[1.0, 0.0, 2.0]]  # the outermost
    assert not moves_of(np.full((3, 1, 3), np.nan), (0.1, 0.5, 0.9)).any()


@pytest.mark.parametrize("noise", ["normal", "skewed"])
def test_intervals_cover_what_they_say(noise):
    """White noise around a season: the best interval is known, and so is how often it holds."""
    rng = np.random.default_rng(0)
    steps = 480
    error = rng.standard_normal(steps) if noise == "normal" else rng.standard_exponential(steps)
    y = 5 * np.sin(2 * np.pi * np.arange(steps) / 12) + error
    model = Forecaster(horizon=3, season=12, hidden_size=8, epochs=20, random_state=0).fit(y[:360])
    said = np.array([model.predict_quantiles(y[:t]) for t in range(360, steps - 3)])
    truth = np.array([y[t : t + 3] for t in range(360, steps - 3)])
    for k, part in ((0, 0.95), (1, 0.8)):
        inside = (said[..., k] <= truth) & (truth <= said[..., -1 - k])
        assert np.mean(inside) == pytest.approx(part, abs=0.07)
        below, above = np.mean(truth < said[..., k]), np.mean(truth > said[..., -1 - k])
        assert max(below, above) < 1 - part + 0.04
    best = np.mean(np.abs(error[360:] - np.median(error)))
    assert np.mean(np.abs(said[..., 2] - truth)) < 1.25 * best


@pytest.mark.parametrize("members", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("horizon", [1, 2, 5, 12, 30])
def test_as_many_steps_as_are_needed_are_enough(members, horizon):
    needed = steps_needed(horizon, members)
    blocks = blocks_of(members)
    for lags in (2, needed // 4, needed // 2):
        shape = Shape(horizon, 1, max(lags, 2))
        rows = rows_of([prepare(wave(needed), 1)], shape, blocks)
        for block in range(blocks):
            assert len(rows.without(block, horizon).steps) and len(rows.inside(block).steps)
        parts = np.concatenate([rows.inside(block).steps for block in range(blocks)])
        assert np.array_equal(np.sort(parts), rows.steps)
        for block in range(blocks):
            held, mine = rows.inside(block).steps, rows.without(block, horizon).steps
            before = mine[mine < held[0]]
            assert not len(before) or before[-1] + horizon < rows.edges[0, block]  # none looks into the block


def test_a_constant_series_stays_as_it_is(model):
    said = model.predict_quantiles(np.full(40, 7.0))
    assert (said == 7).all()
    assert (small(season=1).fit(np.full(60, 3.0)).predict() == 3).all()


def test_short_histories_that_fit_has_not_seen(model):
    for y in ([1.0, 2.0], [np.nan, 4.0, np.nan, 5.0, np.nan], wave(5)):
        assert np.isfinite(model.predict_quantiles(y)).all()


def test_a_horizon_of_one_and_a_part_of_a_horizon(model):
    assert small(horizon=1).fit(wave()).predict().shape == (1,)
    assert np.array_equal(model.predict(wave(), horizon=2), model.predict(wave())[:2])


def exogenous(steps=150, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((steps, 2))
    return 20 + 4 * x[:, 0] + 0.1 * rng.standard_normal(steps), x


def test_what_is_exogenous_is_read_ahead():
    y, x = exogenous()
    model = small(horizon=2, epochs=10).fit(y[:140], x[:140])
    said = model.predict(future=x[140:142])
    assert said == pytest.approx(y[140:142], abs=1.2)
    assert model.n_features_in_ == 2
    moved = x[140:142].copy()
    moved[1, 0] += 2
    assert model.predict(future=moved)[1] - said[1] == pytest.approx(8, abs=2.5)
    newer = model.predict(y[:145], x[:145], future=x[145:147])
    assert newer == pytest.approx(y[145:147], abs=1.2)
    assert np.array_equal(model.predict(future=x[140:]), said)  # more rows than are needed


def test_exogenous_numbers_that_are_missing_in_the_past():
    y, x = exogenous()
    x[[3, 40, 41], [0, 1, 0]] = np.nan
    x[:2] = np.nan
    model = small(horizon=2).fit(y[:140], x[:140])
    assert np.isfinite(model.predict(future=x[140:142])).all()


def test_exogenous_columns_by_name_and_date():
    y, x = exogenous(90)
    Y, X = pd.Series(y, DAYS), pd.DataFrame(x, DAYS, columns=["price", "rain"])
    model = small(horizon=2).fit(Y.iloc[:80], X.iloc[:80])
    said = model.predict(future=X)  # the rows of the dates that follow are taken
    assert np.array_equal(said, model.predict(future=X.iloc[80:82][["price", "rain"]]))
    assert np.array_equal(said, model.predict(future=X.iloc[80:85].to_numpy()))
    long = pd.concat([Y.rename("y"), X], axis=1).rename_axis("day").reset_index()
    columns = {"target": "y", "time": "day", "exogenous": ["price", "rain"]}
    other = small(horizon=2, **columns).fit(long.iloc[:80])
    assert np.array_equal(other.predict(future=long)["y"], said)
    chosen = small(horizon=2, exogenous=["price"]).fit(Y.iloc[:80], X.iloc[:80])
    assert chosen.n_features_in_ == 1 and np.isfinite(chosen.predict(future=X)).all()
    both = small(horizon=2).fit({"a": Y.iloc[:80], "b": Y.iloc[:70]}, {"a": X.iloc[:80], "b": X.iloc[:70]})
    assert list(both.predict(future={"a": X, "b": X})) == ["a", "b"]
    listed = small(horizon=2).fit([y[:80], y[:70]], [x[:80], x[:70]])
    assert len(listed.predict(future=[x[80:], x[70:]])) == 2
    frames = small(horizon=2, **columns, series="shop")
    two = pd.concat([long.assign(shop="a"), long.assign(shop="b", y=long["y"] * 2)])
    frames.fit(two[two["day"] < DAYS[80]])
    assert frames.predict(future=two)["shop"].tolist() == ["a", "a", "b", "b"]


@pytest.mark.parametrize("transform", ["log", "sqrt"])
def test_transforms(transform):
    y = np.exp(wave() / 4)
    model = small(season=12, transform=transform).fit(y)
    assert (model.predict_quantiles() >= 0).all()
    if transform == "log":
        plain = small(season=12).fit(np.log(y))
        assert model.predict() == pytest.approx(np.exp(plain.predict()))
    assert not np.allclose(model.predict(), small(season=12).fit(y).predict(), rtol=1e-3)


@pytest.mark.parametrize("bounds", [{"lower": 0}, {"upper": 3.0}, {"lower": 0, "upper": 3.0, "transform": "sqrt"}])
def test_bounds(bounds):
    """What lies beyond a bound lies on it; all else is as before, and so no less of the truth lies in the intervals."""
    y = np.clip(np.round(wave(120, trend=0.0, noise=2.0) - 9), 0, 3)
    model, free = small(season=12, **bounds), small(season=12, transform=bounds.get("transform"))
    found, plain = model.fit(y).predict_quantiles(), free.fit(y).predict_quantiles()
    low, high = bounds.get("lower"), bounds.get("upper")
    assert np.array_equal(found, np.clip(plain, low, high))
    if "transform" not in bounds:
        assert not np.array_equal(found, plain)
    both = [own.backtest(y, origins=8).coverage for own in (model, free)]
    assert all(both[0][part] >= both[1][part] for part in both[0])


def test_bounds_after_save_and_load(tmp_path):
    y = np.maximum(wave(trend=0.0, noise=2.0) - 12, 0)
    model = small(season=12, lower=0).fit(y)
    model.save(tmp_path / "m.safetensors")
    again = Forecaster.load(tmp_path / "m.safetensors")
    assert again.lower == 0 and again.upper is None
    assert np.array_equal(again.predict_quantiles(y), model.predict_quantiles())
    with pytest.raises(ValueError, match="y: got -2, expected numbers of at least 0, as lower says"):
        again.predict(y - 2)


def chaos(steps=150):
    """What no straight road foretells: the logistic map."""
    y = [0.3]
    for _ in range(steps - 1):
        y.append(3.9 * y[-1] * (1 - y[-1]))
    return np.array(y)


OPTIONS = {
    "season": 6,
    "lags": 5,
    "window": 20,
    "cell": "gru",
    "hidden_size": 5,
    "num_layers": 2,
    "coverage": (0.7,),
    "members": 3,
    "epochs": 4,
    "batch_size": 1,
    "learning_rate": 0.05,
    "early_stopping": False,
    "patience": 1,
    "transform": "sqrt",
    "lower": 0.09,
    "upper": 0.98,
    "dtype": "float64",
    "random_state": 3,
    "horizon": 4,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_changes_something(name):
    base = {"season": 12, "learning_rate": 0.02, "epochs": 12, "members": 2, "lags": 4}
    y = chaos()
    if name in ("early_stopping", "patience"):  # there is more to be learned by heart than is right
        base["epochs"], y = 150, y + 0.2 * np.random.default_rng(0).standard_normal(len(y))
    before, after = small(**base).fit(y), small(**{**base, name: OPTIONS[name]}).fit(y)
    one, other = before.predict_quantiles(), after.predict_quantiles()
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_what_is_told_while_it_learns(capsys):
    small(verbose=True).fit(wave())
    told = capsys.readouterr().out
    assert "best validation" in told
    small(verbose=0).fit(wave())
    assert capsys.readouterr().out == ""


def test_of_what_rises_the_level_is_not_read():
    assert not small(season=12).fit(wave(trend=0.2)).learned_.shape.level
    back = np.random.default_rng(0).standard_normal(200)
    assert small(season=1).fit(back).learned_.shape.level
    y = wave(120, trend=0.5, noise=0.1)
    model = small(season=12, horizon=12, epochs=1).fit(y[:96])
    assert model.predict(y[:108]) == pytest.approx(y[108:], abs=0.6)
    assert not rises(prepare(back, 1)) and not rises(prepare(back[:2], 1)) and rises(prepare(np.arange(9.0), 1))


def test_of_a_linear_process_it_says_what_is_expected():
    """AR(2): the best forecast is known at every step."""
    rng = np.random.default_rng(0)
    y = [0.0, 0.0]
    for _ in range(700):
        y.append(1.3 * y[-1] - 0.6 * y[-2] + rng.standard_normal())
    y = np.array(y)
    model = Forecaster(horizon=2, hidden_size=8, epochs=20, random_state=0).fit(y[:600])
    said = np.array([model.predict(y[:t]) for t in range(600, 700)])
    one = np.array([1.3 * y[t - 1] - 0.6 * y[t - 2] for t in range(600, 700)])
    two = 1.3 * one - 0.6 * y[599:699]
    for h, best in enumerate((one, two)):
        assert np.std(said[:, h] - best) < 0.35 * np.std(best)
        assert abs(np.mean(said[:, h] - best)) < 0.2


def test_a_network_finds_what_no_straight_road_foretells():
    """The logistic map, of which a series was never seen."""
    y = chaos(460)
    straight = {"horizon": 1, "season": 1, "lags": 4, "members": 2, "hidden_size": 16, "random_state": 0}
    errors = []
    for rate in (1e-12, 0.02):
        model = Forecaster(**straight, learning_rate=rate, epochs=60).fit([y[:200], y[200:400]])
        errors.append(np.mean([abs(model.predict(y[400:t])[0] - y[t]) for t in range(420, 460)]))
    assert errors[1] < 0.5 * errors[0]


def test_any_cell():
    @gated.cell
    def leaky(x, h, *, W, U, b):
        h = 0.5 * h + 0.5 * gated.tanh(W.h @ x + U.h @ h + b.h)
        return h

    assert np.isfinite(small(cell=leaky).fit(wave()).predict()).all()


def test_save_and_load(tmp_path, model):
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = Forecaster.load(path)
    assert again.get_params() == model.get_params()
    y = wave(seed=9)
    assert np.array_equal(again.predict_quantiles(y), model.predict_quantiles(y))
    again.save(tmp_path / "again.safetensors")
    twice = Forecaster.load(tmp_path / "again.safetensors")
    assert np.array_equal(twice.predict_quantiles(y), model.predict_quantiles(y))
    copied = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copied.predict_quantiles(y), model.predict_quantiles(y))
    assert again.fit(wave()).predict().shape == (3,)


def test_save_and_load_with_dates_exogenous_columns_and_a_cell_of_ones_own(tmp_path):
    @gated.cell
    def leaky(x, h, *, W, U, b):
        h = 0.5 * h + 0.5 * gated.tanh(W.h @ x + U.h @ h + b.h)
        return h

    y, x = exogenous(90)
    Y, X = pd.Series(y, DAYS), pd.DataFrame(x, DAYS, columns=["price", "rain"])
    model = small(horizon=2, cell=leaky, coverage=0.9, random_state=np.random.RandomState(0), transform="log")
    model.fit(Y.iloc[:80], X.iloc[:80]).save(tmp_path / "model.safetensors")
    again = Forecaster.load(tmp_path / "model.safetensors")
    said = again.predict_quantiles(Y.iloc[:85], X.iloc[:85], future=X)
    assert np.array_equal(said, model.predict_quantiles(Y.iloc[:85], X.iloc[:85], future=X))
    assert said.index[0] == DAYS[85] and again.cell.name == "leaky" and again.random_state is None


def test_a_damaged_file_is_refused(tmp_path, model):
    from gated.files.tensor_file import open_tensors, write_tensors

    path = tmp_path / "model.safetensors"
    model.save(path)
    with open_tensors(path, "gated forecaster") as file:
        arrays = {name: file.read(name) for name in file.shapes}
        documents = {name: file.document(name) for name in ("network", "networks", "arguments", "learned")}

    def refused(message, **changes):
        write_tensors(path, "gated forecaster", arrays, {**documents, **changes})
        with pytest.raises(FileFormatError, match=message):
            Forecaster.load(path)

    learned = documents["learned"]
    refused("arguments of another estimator", arguments={"colour": 1})
    refused("arguments of another estimator", arguments=[])
    refused("expected as many as there are arrays", networks=0)
    refused("got no array 2.rnn", networks=3)
    refused("got an array '?1", networks=1)
    refused("damaged description of the forecaster", learned={})
    refused("damaged description of the forecaster", learned=[])
    refused("features that there are not", learned={**learned, "shape": {**learned["shape"], "base": "x"}})
    refused("features that there are not", learned={**learned, "transform": "cube"})
    refused("horizon: got 0", learned={**learned, "shape": {**learned["shape"], "horizon": 0}})
    refused(r"for moves, expected \(4, 5\)", learned={**learned, "shape": {**learned["shape"], "horizon": 4}})
    level = not learned["shape"]["level"]
    other = {**learned, "shape": {**learned["shape"], "level": level}}
    for name in ("inputs", "straight"):
        other[name] = [1.0] * (len(learned[name]) + (1 if level else -1))
    refused("another kind", learned=other)
    refused("quantiles without the middle", learned={**learned, "quantiles": [0.1, 0.2, 0.6, 0.7, 0.8]})
    refused("exogenous columns that do not fit", learned={**learned, "exogenous": ["price"]})
    refused("exogenous columns that do not fit", learned={**learned, "straight": [0.0] * len(learned["straight"])})
    with pytest.raises(FileFormatError):
        Forecaster.load(__file__)


def test_threads_do_not_change_what_is_foretold(model):
    from gated.backends.native.threads import pool

    y = [wave(seed=k) for k in range(9)]
    before, found = pool._threads, []
    try:
        for count in (1, 2, 3):
            gated.set_num_threads(count)
            found.append(np.array(model.predict_quantiles(y)))
    finally:
        pool._threads = before
    assert all(np.array_equal(found[0], own) for own in found)
