"""Groups as tasks of Ray: with a stand-in that runs them at once, and on a real cluster of two nodes, one killed."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from trainwell.errors import MissingExtraError, UsageError
from trainwell.problem import load_problem
from trainwell.recipe import Recipe
from trainwell.space import Space, log_uniform
from trainwell.tune import draw, tune

from .small import BASE, RATES, made


class StandIn(ModuleType):
    """What is used of Ray, in this process."""

    def __init__(self, devices: int) -> None:
        super().__init__("ray")
        self.devices, self.most, self.tasks, self.live = devices, 0, 0, False
        self.exceptions = SimpleNamespace(RayTaskError=RecursionError, RayError=ConnectionError)

    def init(self, **_: object) -> None:
        self.live = True

    def shutdown(self) -> None:
        self.live = False

    def is_initialized(self) -> bool:
        return self.live

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.devices)}

    def put(self, value: object) -> object:
        return value

    def remote(self, **_: object):
        def wrapped(function):
            def started(*arguments):
                self.tasks += 1
                return (self.tasks, function, arguments)

            return SimpleNamespace(remote=lambda *a: _Task(started(*a)))

        return wrapped

    def wait(self, tasks, num_returns, timeout):
        self.most = max(self.most, len(tasks))
        return tasks[:1], tasks[1:]

    def get(self, task):
        _, function, arguments = task.of
        return function(*arguments)


class _Task:
    def __init__(self, of) -> None:
        self.of = of


@pytest.fixture
def ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", StandIn(devices=2))
    return sys.modules["ray"]


@pytest.mark.parametrize("scheme", ["halving", "asha", "population"])
def test_groups_are_trained_elsewhere_as_they_would_be_here(ray, scheme, tmp_path):
    asked = {"recipe": BASE, "trials": 70, "halving": scheme, "confirm": 1}
    there = tune(made(), RATES, on="ray", folder=tmp_path / "a", **asked)
    assert not ray.live
    assert (ray.tasks, ray.most) == (2, 2)
    assert {look.changes["optimizer.lr"] for look in there.record.at(0)} == {
        point["optimizer.lr"] for point in draw(RATES, 70, seed=0)
    }
    if scheme != "asha":  # there, which trials go on depends on what had ended before
        here = tune(made(), RATES, shared=True, folder=tmp_path / "b", **asked)
        assert [look.value for look in there.record.full] == [look.value for look in here.record.full]
        assert there.result.measured == here.result.measured


def test_a_budget_of_steps_counts_the_groups_in_progress(ray):
    ended = tune(made(), RATES, recipe=BASE, on="ray", steps=600, confirm=1)
    assert 0.5 * 600 <= ended.result.steps <= 600


@pytest.mark.parametrize("on", ["rays", "ray:", "dask"])
def test_a_place_that_cannot_be_meant_is_refused(ray, on):
    with pytest.raises(UsageError, match="ray:auto"):
        tune(made(), RATES, recipe=BASE, trials=4, on=on)


def test_without_ray_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"trainwell\[ray\]"):
        tune(made(), RATES, recipe=BASE, trials=4, on="ray")


@pytest.mark.slow
def test_on_a_cluster_of_two_nodes_one_is_killed_and_nothing_is_lost_or_repeated(tmp_path, recwarn):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    killed: list[float] = []

    def kill(progress) -> None:
        if progress.done and not killed:
            killed.append(time.monotonic())
            cluster.remove_node(node, allow_graceful=False)

    space = Space.of({"optimizer.lr": log_uniform(1e-4, 1e-1)})
    recipe = Recipe(epochs=6, batch_size=64)
    try:
        ended = tune(
            load_problem("digits"), space, recipe=recipe, trials=320, halving="asha", confirm=1,
            on="ray:auto", folder=tmp_path / "a", listener=kill,
        )  # fmt: skip
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert killed
    assert ended.result.trials == 320
    assert ended.recipe is not None
    looks = [(look.trial, look.rung) for look in ended.record.looks]
    assert len(looks) == len(set(looks))
    assert {look.trial for look in ended.record.at(0)} == set(range(320))
