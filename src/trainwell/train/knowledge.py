"""What is known of a problem's data: measured once per problem in a process, since many runs share it."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from trainwell.data.audit import audit
from trainwell.data.baselines import baselines
from trainwell.problem import Problem
from trainwell.records import Baselines, DataFacts

_data: WeakKeyDictionary[Problem, DataFacts] = WeakKeyDictionary()
_baselines: WeakKeyDictionary[Problem, Baselines] = WeakKeyDictionary()


def data_facts(problem: Problem) -> DataFacts:
    """The audit of a problem's splits."""
    if problem not in _data:
        _data[problem] = audit(problem.splits(), problem.task, problem.classes, problem.input_kind)
    return _data[problem]


def baseline_facts(problem: Problem) -> Baselines:
    """What an input-blind guess and a linear model reach on the validation split."""
    if problem not in _baselines:
        loss = problem.loss if isinstance(problem.loss, str) else ""
        _baselines[problem] = baselines(
            problem.train, problem.val, problem.task, problem.classes, problem.metric, loss=loss
        )
    return _baselines[problem]
