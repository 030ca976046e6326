"""The model that picks points for the next group."""

import numpy as np

from trainwell.tune.surrogate import Surrogate


def tried(count, noise, seed=0, dimensions=6):
    """Points, best first, of which only the first two coordinates count; highest at 0.7, 0.2."""
    draw = np.random.default_rng(seed)
    at = draw.random((count, dimensions))
    scores = -((at[:, 0] - 0.7) ** 2) - (at[:, 1] - 0.2) ** 2 + noise * draw.standard_normal(count)
    order = np.argsort(-scores)
    return at[order], scores[order]


def test_it_chooses_points_where_the_best_is_to_be_expected():
    candidates = np.random.default_rng(1).random((200, 6))
    chosen = candidates[Surrogate(*tried(60, 0.02)).choose(candidates, 8, np.random.default_rng(2))]
    away = np.hypot(candidates[:, 0] - 0.7, candidates[:, 1] - 0.2)
    assert np.median(np.hypot(chosen[:, 0] - 0.7, chosen[:, 1] - 0.2)) < np.quantile(away, 0.1)


def test_no_point_is_chosen_twice():
    candidates = np.random.default_rng(1).random((10, 6))
    assert sorted(Surrogate(*tried(30, 0.1)).choose(candidates, 10, np.random.default_rng(2))) == list(range(10))


def test_where_nothing_is_told_apart_the_choice_is_wide():
    at, _ = tried(40, 0.0)
    scores = np.random.default_rng(3).standard_normal(40)
    candidates = np.random.default_rng(1).random((200, 6))
    chosen = candidates[Surrogate(at, scores).choose(candidates, 40, np.random.default_rng(2))]
    assert chosen.std(0).min() > 0.15


def test_points_that_are_equal_do_no_harm():
    at = np.repeat(np.random.default_rng(0).random((3, 4)), 10, axis=0)
    chosen = Surrogate(at, np.zeros(30)).choose(at[:5], 5, np.random.default_rng(0))
    assert sorted(chosen) == list(range(5))
