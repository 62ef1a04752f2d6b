"""Keys that are drawn have the probabilities that they should have."""

from itertools import combinations

import numpy as np
import pytest

from gated.models.music.choosing import chosen

LOGITS = np.array([0.3, -1.2, 2.0, -0.1, 0.8])


def counted(count, temperature, voices):
    """How often each set of keys came."""
    rng, found = np.random.default_rng(0), {}
    for _ in range(count):
        keys = tuple(np.flatnonzero(chosen(LOGITS, rng.random(5), temperature, voices)).tolist())
        found[keys] = found.get(keys, 0) + 1
    return {keys: own / count for keys, own in found.items()}


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_each_key_sounds_by_itself(temperature):
    found, p = counted(20_000, temperature, None), 1 / (1 + np.exp(-LOGITS / temperature))
    for k in range(5):
        own = sum(share for keys, share in found.items() if k in keys)
        assert own == pytest.approx(p[k], abs=0.015)
    both = sum(share for keys, share in found.items() if {0, 2} <= set(keys))
    assert both == pytest.approx(p[0] * p[2], abs=0.015)


@pytest.mark.parametrize("voices", [1, 2, 4, 5])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_so_many_keys_as_independent_ones_on_condition_of_their_number(voices, temperature):
    """Against the definition: all sets of so many keys, each with the product of its keys' odds."""
    found, odds = counted(20_000, temperature, voices), np.exp(LOGITS / temperature)
    sets = list(combinations(range(5), voices))
    weights = np.array([odds[list(keys)].prod() for keys in sets])
    assert set(found) <= set(sets)
    for keys, share in zip(sets, weights / weights.sum(), strict=True):
        assert found.get(keys, 0.0) == pytest.approx(share, abs=0.015)


def test_at_temperature_zero_the_likeliest():
    nothing = np.zeros(5)
    assert chosen(LOGITS, nothing, 0.0, None).tolist() == [1, 0, 1, 0, 1]
    assert chosen(LOGITS, nothing, 0.0, 2).tolist() == [0, 0, 1, 0, 1]
    assert chosen(np.zeros(5), nothing, 0.0, 2).tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_at_temperature_zero_as_many_as_sound_on_the_average(count):
    """Of music no key is likelier than not at most steps: silence would be the answer to each by itself."""
    rng = np.random.default_rng(count)
    p = rng.permutation(np.linspace(0.5, 1.5, 20))
    p *= count / p.sum()
    assert p.max() < 0.5
    found = chosen(np.log(p / (1 - p)), np.zeros(20), 0.0, None)
    assert found.sum() == count
    assert p[found == 1].min() > p[found == 0].max()
    assert chosen(np.full(20, -800.0), np.zeros(20), 0.0, None).sum() == 0
    assert chosen(np.full(20, 1e308), np.zeros(20), 0.0, None).sum() == 20


@pytest.mark.parametrize("uniform", [1e-9, 0.5, np.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("size, temperature", [(1e4, 1.0), (1e308, 1.0), (3.0, 1e-300)])
def test_logits_of_any_size(uniform, size, temperature):
    """No warning, and what is certain is chosen."""
    logits, uniforms = size * np.array([-1.0, 1.0, -1.0, 1.0, -1.0]), np.full(5, uniform)
    for voices in (None, 2):
        assert chosen(logits, uniforms, temperature, voices).tolist() == [0, 1, 0, 1, 0]
    for voices in (1, 3, 4, 5):
        assert chosen(logits, uniforms, temperature, voices).sum() == voices


@pytest.mark.parametrize("voices", [1, 2, 3, 4, 5])
def test_a_low_temperature_leads_to_the_likeliest(voices):
    wanted = chosen(LOGITS, np.zeros(5), 0.0, voices)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert (chosen(LOGITS, rng.random(5), 1e-3, voices) == wanted).all()


def test_a_uniform_number_of_zero_is_drawn_as_the_probability_has_it():
    """Nothing is less than 0: a key whose uniform number is 0 sounds, whatever its logit."""
    assert chosen(np.array([-50.0]), np.array([0.0]), 1.0, None).tolist() == [1]
    assert chosen(np.array([-50.0]), np.array([1e-30]), 1.0, None).tolist() == [1]
    assert chosen(np.array([-50.0]), np.array([1e-10]), 1.0, None).tolist() == [0]
