"""The sampler that draws later groups near the best of the earlier ones."""

import math

import numpy as np

from trainwell.records.study import Look
from trainwell.space import Space, branch, choice, log_uniform, uniform
from trainwell.tune.draws import draw
from trainwell.tune.focus import Focus

PLAIN = Space.of({"a": uniform(0.0, 1.0), "b": log_uniform(1e-4, 1.0), "c": choice("x", "y", "z")})


def look(trial, changes, value, rung=0, status="completed"):
    return Look(
        trial=trial, changes=changes, rung=rung, rungs=3, steps=1, epochs=1.0, value=value, loss=value, status=status
    )


def value_of(point):
    """Lowest at a = 0.3, b = 0.01, c = y."""
    return (point["a"] - 0.3) ** 2 + (math.log10(point["b"]) + 2) ** 2 / 16 + (point["c"] != "y") * 0.3


def searched(space, value, groups, size, *, higher=False, seed=0):
    sampler, found = Focus(space, seed, higher_is_better=higher), []
    for group in range(groups):
        points = sampler.ask(group * size, size)
        assert len(points) == size
        sampler.tell([look(group * size + n, point, value(point)) for n, point in enumerate(points)])
        found.append(points)
    return found


def test_the_first_group_fills_the_space():
    assert searched(PLAIN, value_of, 1, 32)[0] == draw(PLAIN, 32, seed=0)


def test_a_part_of_later_groups_goes_on_filling_it():
    second = searched(PLAIN, value_of, 2, 32)[1]
    assert second[3::4] == draw(PLAIN, 64, seed=0)[32:][3::4]
    assert second[0] != draw(PLAIN, 64, seed=0)[32]


def test_later_groups_lie_nearer_the_best():
    groups = searched(PLAIN, value_of, 4, 64)
    typical = [np.median([value_of(point) for point in points]) for points in groups]
    assert typical[3] < 0.3 * typical[0]
    assert min(map(value_of, groups[3])) < min(map(value_of, groups[0]))


def test_higher_is_better_where_it_is():
    groups = searched(PLAIN, lambda point: -value_of(point), 3, 64, higher=True)
    assert np.median([value_of(p) for p in groups[2]]) < 0.4 * np.median([value_of(p) for p in groups[0]])


def test_equal_results_give_equal_points_in_any_order():
    points = draw(PLAIN, 64, seed=3)
    looks = [look(n, point, value_of(point)) for n, point in enumerate(points)]
    asked = []
    for order in (looks, looks[::-1]):
        sampler = Focus(PLAIN, 3, higher_is_better=False)
        sampler.tell(order)
        asked.append(sampler.ask(64, 16))
    assert asked[0] == asked[1]
    other = Focus(PLAIN, 4, higher_is_better=False)
    other.tell(looks)
    assert other.ask(64, 16) != asked[0]


def test_trials_that_came_farther_are_the_better_ones():
    points = draw(PLAIN, 64, seed=0)
    far = {n for n in range(64) if points[n]["c"] == "z"}
    sampler = Focus(PLAIN, 0, higher_is_better=False)
    sampler.tell([look(n, p, 5.0 if n in far else 1.0, rung=2 if n in far else 0) for n, p in enumerate(points)])
    near = [p for n, p in enumerate(sampler.ask(64, 64)) if n % 4 != 3]
    assert sum(p["c"] == "z" for p in near) > 0.75 * len(near)


def test_trials_without_a_value_are_not_near_the_best():
    points = draw(PLAIN, 64, seed=0)
    sampler = Focus(PLAIN, 0, higher_is_better=False)
    sampler.tell([look(n, p, math.nan, status="diverged") for n, p in enumerate(points)])
    assert sampler.ask(64, 16) == draw(PLAIN, 80, seed=0)[64:]


def test_branches_keep_to_their_own_axes():
    space = Space.of(
        {
            "optimizer": choice(
                branch("sgd", {"optimizer.lr": log_uniform(1e-2, 1.0)}),
                branch("adamw", {"optimizer.lr": log_uniform(1e-4, 1e-2)}),
            )
        }
    )
    for points in searched(space, lambda p: abs(math.log10(p["optimizer.lr"]) + 3), 3, 32):
        for point in points:
            low, high = (1e-2, 1.0) if "sgd" in str(point["optimizer"]) else (1e-4, 1e-2)
            assert low <= point["optimizer.lr"] <= high
    assert sum("adamw" in str(p["optimizer"]) for p in points) > 20


def test_constraints_hold():
    space = Space({"a": uniform(0.0, 1.0), "b": uniform(0.0, 1.0)}, constraints=("a * b < 0.2",))
    for points in searched(space, lambda p: -p["a"] * p["b"], 3, 32):
        assert all(p["a"] * p["b"] < 0.2 for p in points)


def test_a_region_where_trials_diverge_is_avoided():
    points = draw(PLAIN, 64, seed=0)
    sampler = Focus(PLAIN, 0, higher_is_better=False)
    lost = {n for n, p in enumerate(points) if p["a"] > 0.5}
    sampler.tell([look(n, p, math.nan, status="diverged") for n, p in enumerate(points) if n in lost])
    sampler.tell([look(n, p, abs(p["a"] - 0.45)) for n, p in enumerate(points) if n not in lost])
    near = [p for n, p in enumerate(sampler.ask(64, 64)) if n % 4 != 3]
    assert sum(p["a"] > 0.55 for p in near) < 0.15 * len(near)


def test_a_study_of_many_trials_is_asked_as_one_of_few():
    points = draw(PLAIN, 600, seed=0)
    sampler = Focus(PLAIN, 0, higher_is_better=False)
    sampler.tell([look(n, p, value_of(p)) for n, p in enumerate(points)])
    found = [value_of(p) for n, p in enumerate(sampler.ask(600, 32)) if n % 4 != 3]
    assert np.median(found) < np.quantile([value_of(p) for p in points], 0.05)
