"""Population-based training: the worst take over the weights of the best on the way, and go on with changed values.

Source: Jaderberg et al. 2017, Population based training of neural networks. Truncation selection: a quarter, and all
that diverged, take the weights, the state of the optimizer and the values of one of the best quarter, and each number
of `optimizer` and `loss` is then moved up or down. What decides the shape of the model or the order of the batches is
taken over as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trainwell.recipe import Recipe
from trainwell.records.study import Copied, Look
from trainwell.seeding import stream_seed
from trainwell.space import Choice, Dimension, LogUniform, ReverseLogUniform, Space
from trainwell.train import Lane
from trainwell.train.fused.stack import Stack
from trainwell.tune.group import RECORDING, Group

_QUARTER = 0.25
_FACTOR = 1.25  # up or down, on a logarithmic scale
_SHARE = 0.1  # of the scale up or down, on others
_MOVED = ("optimizer.", "loss.")


@dataclass
class Population(Group):
    """Trials that are trained together and learn from each other at each rung.

    Attributes:
        recipe_of: The recipe of full length that a point means.
        exchange: Given a rung and its looks, says who takes over from whom.
    """

    recipe_of: Callable[[Mapping[str, Any]], Recipe] = field(kw_only=True)
    exchange: Callable[[int, Sequence[Look]], Sequence[Copied]] = field(kw_only=True)

    def run(self) -> bool:
        """Train all members to their end; returns whether they came to it.

        After a kill the members are trained anew with the exchanges that were made; known looks stay as they are.
        """
        self._prepare()
        last = len(self.rungs) - 1
        if all((trial.number, last) in self.known for trial in self.trials):
            return True
        for rung in range(last + 1):
            self._rung = rung
            if rung == 0:
                self._begin(self.trials)
            self._advance()
            for trial in self.trials:
                lane = self._lanes.get(trial.number)
                if lane is not None and (trial.number, rung) not in self._heard:
                    self._hear(self._look(trial, lane))
            looks = [self._heard[t.number, rung] for t in self.trials if (t.number, rung) in self._heard]
            if len(looks) < len(self._lanes):
                return False
            if rung < last:
                self._take_over(self.exchange(rung, looks))
            self.hooks.decide(rung, looks)
        return True

    def _take_over(self, copies: Sequence[Copied]) -> None:
        """Replace members by children of others, in the same stacks as these."""
        born: list[tuple[Lane, Lane]] = []
        present = dict(self._lanes)
        members = {trial.number: trial for trial in self.trials}
        for one in copies:
            source, old = present[one.source], present.get(one.trial)
            recipe = self.recipe_of(one.changes)
            child = self._child(source, recipe.with_(RECORDING))
            if old is not None:
                child.spend(old.clock.seconds)
                old.stop("replaced")
            members[one.trial] = replace(members[one.trial], changes=one.changes, recipe=recipe)
            self._numbers[id(child)] = members[one.trial]
            self._lanes[one.trial] = child
            born.append((source, child))
        self.trials = list(members.values())
        for together in self._together:
            there, alone = set(map(id, together.lanes)), set(map(id, together.alone))
            together.stacks = [_with_children(stack, born) for stack in together.stacks]
            together.alone += [child for source, child in born if id(source) in alone]
            together.lanes += [child for source, child in born if id(source) in there]
        self._drop([])

    def _child(self, source: Lane, recipe: Recipe) -> Lane:
        """A training that stands where another stands, with its weights and what its line has reached."""
        child = self._lane(recipe)
        child.step, child.epoch, child.batch_in_epoch = source.step, source.epoch, source.batch_in_epoch
        child.evaluated_at = source.evaluated_at
        child.model.load_state_dict(source.model.state_dict())
        child.recorder.add_evaluations(list(source.recorder.evaluations))
        kept = source.parts.keeper
        weights = {name: value.clone() for name, value in kept.weights.items()}
        child.parts.keeper.load(kept.best, kept.without_gain, kept.key, weights)
        if not source.carried:
            _take_state(child, source)
        for own, other in ((child.parts.average, source.parts.average), (child.parts.plateau, source.parts.plateau)):
            if own is not None and other is not None:
                own.load_state_dict(other.state_dict())
        return child


def exchanges(looks: Sequence[Look], space: Space, seed: int) -> tuple[Copied, ...]:
    """Who takes over from whom at a rung, and the values to go on with.

    Args:
        looks: At the rung, best first.
        seed: Equal seeds and looks give equal exchanges.
    """
    going = [look for look in looks if look.counts and look.status == "running"]
    count = max(1, round(_QUARTER * len(looks)))
    best = going[:count]
    worst = [look for look in looks if not look.counts]
    worst += [look for look in going[len(best) :] if look in going[-count:]]
    if not best or not worst:
        return ()
    group, rung = looks[0].group, looks[0].rung
    random = np.random.default_rng([stream_seed(seed, "search"), group, rung])
    copies = []
    for look in sorted(worst, key=lambda look: look.trial):
        source = best[int(random.integers(len(best)))]
        changes = moved(source.changes, space, random)
        copies.append(Copied(group, rung, look.trial, source.trial, changes))
    return tuple(copies)


def moved(changes: Mapping[str, Any], space: Space, random: np.random.Generator) -> dict[str, Any]:
    """The values of a point, each number of `optimizer` and `loss` one step up or down on its scale."""
    found = dict(changes)
    for axis in space.active(changes):
        step = step_of(axis.dimension)
        if step and axis.path.startswith(_MOVED):
            unit = axis.dimension.position(changes[axis.path]) + step * random.choice([-1.0, 1.0])
            found[axis.path] = axis.dimension.at(min(1.0, max(0.0, float(unit))))
    return found if space.allows(found) else dict(changes)


def step_of(dimension: Dimension) -> float:
    """How far a value is moved; 0 for options. [share of the scale]"""
    if isinstance(dimension, LogUniform):
        return math.log(_FACTOR) / math.log(dimension.high / dimension.low)
    if isinstance(dimension, ReverseLogUniform):
        return math.log(_FACTOR) / math.log((1 - dimension.low) / (1 - dimension.high))
    return 0.0 if isinstance(dimension, Choice) else _SHARE


def _with_children(stack: Stack, born: Sequence[tuple[Lane, Lane]]) -> Stack:
    """A stack to which the children of its runs belong too, with copies of their rows."""
    places = {id(lane): k for k, lane in enumerate(stack.lanes)}
    here = [(places[id(source)], child) for source, child in born if id(source) in places]
    if not here:
        return stack
    lanes = [*stack.lanes, *(child for _, child in here)]
    (whole,) = stack.split([[*range(len(stack)), *(k for k, _ in here)]])
    whole.lanes = lanes
    return Stack.joined([whole])


def _take_state(child: Lane, source: Lane) -> None:
    """The state of an optimizer of its own, but not its hyper-parameters."""
    own = [{k: v for k, v in group.items() if k != "params"} for group in child.optimizer.param_groups]
    child.optimizer.load_state_dict(source.optimizer.state_dict())
    for group, settings in zip(child.optimizer.param_groups, own, strict=True):
        group.update(settings)
    child.set_noise(source.noise)
