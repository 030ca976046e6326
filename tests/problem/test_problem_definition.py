"""What a problem infers, splits and refuses."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.model_selection import GroupKFold, KFold
from torch import nn
from torch.utils.data import Dataset, IterableDataset

from trainwell.data import Examples, Streamed
from trainwell.data.fingerprints import keys_of, shared
from trainwell.errors import ProblemError
from trainwell.problem import Metric, Problem
from trainwell.problem.models import char_transformer, mlp

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(200, 4))
CLASSES = np.arange(200) % 3
BITS = np.arange(200) % 2
NUMBERS = X @ [1.0, 2.0, 0.0, -1.0]
LABELS = (X[:, :3] > 0).astype(int)


def net(width: int = 8, dropout: float = 0.0):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 3))


def _problem(targets=CLASSES, model=net, **keywords):
    return Problem(model, (X, targets), **keywords)


def test_one_hot_targets_could_mean_two_things_and_are_asked_about():
    one_hot = np.eye(3, dtype=np.float32)[CLASSES]
    with pytest.raises(ProblemError, match=r"targets.argmax\(1\), or task='multilabel'"):
        _problem(one_hot)
    assert _problem(one_hot, task="multilabel").task == "multilabel"
    assert _problem(one_hot, loss="bce").task == "multilabel"


@pytest.mark.parametrize(
    ("targets", "task", "classes", "loss", "metric", "dtype"),
    [
        (CLASSES, "multiclass", 3, "cross-entropy", "accuracy", torch.int64),
        (BITS, "binary", 2, "cross-entropy", "accuracy", torch.int64),
        (BITS.astype(float), "binary", 2, "cross-entropy", "accuracy", torch.int64),
        (NUMBERS, "regression", None, "mse", "rmse", torch.float32),
        (NUMBERS[:, None], "regression", None, "mse", "rmse", torch.float32),
        (LABELS, "multilabel", 3, "bce", "f1", torch.float32),
    ],
)
def test_the_task_is_inferred_from_the_targets(targets, task, classes, loss, metric, dtype):
    problem = _problem(targets)
    assert (problem.task, problem.classes, problem.loss, problem.metric.name) == (task, classes, loss, metric)
    assert problem.train.targets.dtype == dtype
    assert [len(s) for s in problem.splits().values()] == [160, 20, 20]


def test_token_targets_are_a_sequence():
    tokens = np.arange(600).reshape(60, 10) % 7
    problem = Problem(partial(char_transformer, 7, 10), (tokens, tokens))
    assert (problem.task, problem.classes, problem.metric.direction) == ("sequence", 7, "min")
    assert problem.input_kind == "tokens"
    assert problem.check_output(problem.build()) == (2, 10, 7)


def test_a_regression_loss_makes_whole_numbers_a_regression():
    assert _problem(CLASSES, loss="mse").task == "regression"


def test_targets_that_could_be_either_ask_for_the_task():
    with pytest.raises(ProblemError, match="task='regression'"):
        Problem(net, (np.zeros((900, 4)), np.arange(900)))


def test_shares_are_stratified_and_seeded():
    a, b, c = (_problem(split_seed=seed) for seed in (1, 1, 2))
    assert torch.equal(a.val.inputs, b.val.inputs)
    assert not torch.equal(a.val.inputs, c.val.inputs)
    assert torch.bincount(a.test.targets).tolist() in ([6, 7, 7], [7, 6, 7], [7, 7, 6])


def test_copies_of_an_input_stay_on_one_side():
    twice = np.concatenate([X, X[:50]])
    problem = Problem(net, (twice, np.concatenate([CLASSES, CLASSES[:50]])))
    train = keys_of(problem.train)
    assert shared(train, keys_of(problem.val)) == shared(train, keys_of(problem.test)) == 0
    assert sum(len(s) for s in problem.splits().values()) == 250


def test_inputs_that_nearly_all_repeat_are_split_as_they_are():
    few = np.eye(4)[np.arange(200) % 4]
    assert [len(s) for s in Problem(net, (few, CLASSES)).splits().values()] == [160, 20, 20]


def test_groups_are_never_parted():
    groups = np.arange(200) // 5
    problem = _problem(groups=groups)
    rows = [{row.tobytes() for row in s.inputs.numpy()} for s in problem.splits().values()]
    sides = [{g for g, row in zip(groups, X.astype("f4"), strict=True) if row.tobytes() in part} for part in rows]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 40


def test_time_holds_out_the_end():
    problem = _problem(NUMBERS, split="time")
    assert torch.equal(problem.test.inputs, torch.tensor(X[180:]).float())
    assert torch.equal(problem.val.inputs, torch.tensor(X[160:180]).float())


def test_a_splitter_of_scikit_learn_holds_out_its_first_fold():
    problem = _problem(NUMBERS, split=KFold(4), test=None)
    assert problem.test is None
    assert torch.equal(problem.val.inputs, torch.tensor(X[:50]).float())


def test_own_data_may_be_given_for_each_split():
    problem = Problem(net, (X[:150], CLASSES[:150]), val=(X[150:], CLASSES[150:]), test=0.2)
    assert [len(s) for s in problem.splits().values()] == [120, 50, 30]


def test_folds_cover_train_and_validation_and_keep_the_test_data():
    problem = _problem()
    found = problem.folds(4)
    assert [len(p.val) for p in found] == [45] * 4
    assert all(p.test is problem.test for p in found)
    assert len({p.fingerprint for p in found}) == 4
    assert len(problem.folds(split=KFold(3))) == 3


@pytest.mark.parametrize("split", ["auto", GroupKFold(3)])
def test_folds_keep_groups_together(split):
    names = {row.tobytes(): group for row, group in zip(X.astype("f4"), np.arange(200) // 5, strict=True)}
    for problem in _problem(groups=np.arange(200) // 5).folds(3, split=split):
        train, val = ({names[row.tobytes()] for row in s.inputs.numpy()} for s in (problem.train, problem.val))
        assert not train & val


def test_facts_say_it_all_in_plain_values():
    facts = _problem(name="toy", metrics=["auroc", "accuracy"]).facts()
    assert (facts.name, facts.metric, facts.metrics) == ("toy", "auroc", ("auroc", "accuracy"))
    assert facts.examples == {"train": 160, "val": 20, "test": 20}
    assert (facts.input_shape, facts.input_kind, facts.loss) == ((4,), "table", "cross-entropy")


def test_the_fingerprint_is_that_of_data_and_splits():
    assert _problem().fingerprint == _problem(name="other").fingerprint
    changed = X.copy()
    changed[7, 2] += 1e-3
    others = [_problem(split_seed=1), _problem((CLASSES + 1) % 3), Problem(net, (changed, CLASSES))]
    assert _problem().fingerprint not in {p.fingerprint for p in others}


def test_metrics_of_ones_own_have_a_direction():
    problem = _problem(metrics={"mistakes": (lambda z, y: float((z.argmax(1) != y).sum()), "min")})
    assert (problem.metric.name, problem.metric.direction) == ("mistakes", "min")
    assert _problem(metrics=Metric("zero", "max", lambda z, y: 0.0)).metric(torch.zeros(1), torch.zeros(1)) == 0


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"model": nn.Linear(4, 3)}, "Pass model=lambda: Linear"),
        ({"model": nn.Linear}, "needs in_features, out_features"),
        ({"model": 3}, "function or class"),
        ({"val": None}, "pass val=0.1"),
        ({"val": 0.0}, "above 0 and below 1"),
        ({"val": 0.5, "test": 0.5}, "sum to below 1"),
        ({"targets": CLASSES - 1}, "got -1 at index 0"),
        ({"targets": CLASSES + 1}, "Subtract 1"),
        ({"targets": CLASSES * 100}, "numpy.unique"),
        ({"classes": 2}, "below classes = 2, got 2 at index 2"),
        ({"task": "multclass"}, "Did you mean 'multiclass'"),
        ({"task": "binary"}, "0 or 1 for a binary task, got 2"),
        ({"targets": NUMBERS, "task": "multiclass"}, "must be whole numbers"),
        ({"loss": "crossentropy"}, "Did you mean 'cross-entropy'"),
        ({"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"metrics": ["rmse"]}, "must suit the task multiclass"),
        ({"metrics": ["accuracy", "accuracy"]}, "must differ by name"),
        ({"metrics": [lambda z, y: 0.0]}, "which way"),
        ({"metrics": {"m": lambda z, y: 0.0}}, "which way"),
        ({"split": "tme"}, "Did you mean 'time'"),
        ({"groups": np.arange(7)}, r"shape \(200,\)"),
        ({"val": (X[:, :3], CLASSES)}, "one shape in all splits"),
        ({"targets": NUMBERS, "val": (X, X)}, "targets must have one shape"),
        ({"val": (X, CLASSES), "test": (X, CLASSES), "groups": np.arange(200)}, "Drop `groups`"),
        ({"val": (X[:5], [0, 1, 2])}, "5 inputs and 3 targets"),
        ({"targets": [*CLASSES[:-1], 3]}, "every class .* got 1 of class 3"),
    ],
)
def test_what_is_wrong_is_said_at_construction(keywords, words):
    with pytest.raises(ProblemError, match=words):
        _problem(**keywords)


class Noisy(Dataset):
    targets = CLASSES.tolist()

    def __len__(self):
        return 200

    def __getitem__(self, index):
        return torch.tensor(X[index]).float() + torch.randn(4), int(CLASSES[index])


def test_a_streamed_data_set_is_split_by_its_labels_without_reading_it():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    problem = Problem(net, Noisy())
    assert isinstance(problem.train, Streamed)
    assert (problem.task, problem.classes) == ("multiclass", 3)
    assert [len(s) for s in problem.splits().values()] == [160, 20, 20]
    assert problem.check_output(problem.build()) == (2, 3)
    problem.facts()
    torch.set_rng_state(before)
    problem.audit()
    assert torch.equal(before, torch.get_rng_state())


def test_an_iterable_needs_validation_data_and_classes():
    class Flow(IterableDataset):
        def __iter__(self):
            return iter(zip(torch.tensor(X).float(), torch.tensor(CLASSES), strict=True))

    with pytest.raises(ProblemError, match="Pass a source"):
        Problem(net, Flow(), classes=3)
    with pytest.raises(ProblemError, match="classes=K"):
        Problem(net, Flow(), val=Flow(), test=None)
    problem = Problem(net, Flow(), val=(X, CLASSES), test=None, classes=3)
    assert problem.facts().examples == {"train": 0, "val": 200}


def test_targets_may_be_left_to_a_model_that_returns_its_loss():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 3)

        def forward(self, x, labels):
            logits = self.inner(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    problem = Problem(Own, {"x": X, "labels": CLASSES})
    assert (problem.task, problem.loss, problem.metric.name) == ("custom", "model", "loss")
    assert problem.check_output(problem.build()) == (2, 3)


def test_audit_and_baselines_are_at_hand():
    problem = _problem(NUMBERS)
    assert problem.audit().splits["train"].target_std > 0
    assert problem.baselines().linear_metric < 0.1 * problem.baselines().chance_metric


def test_examples_pass_as_they_are():
    train = Examples(torch.tensor(X).float(), torch.tensor(CLASSES))
    assert Problem(partial(mlp, 4, 3), train, val=train, test=None).train.inputs is train.inputs
