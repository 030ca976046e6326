import pytest
import torch
from torch import nn

from trainwell.check import watch
from trainwell.errors import UsageError


def train(model, optimizer, *, clear):
    for _ in range(12):
        loss = model(torch.randn(8, 3)).pow(2).mean()
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_a_loop_is_watched_in_place():
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    with watch(model, optimizer) as watcher:
        train(model, optimizer, clear=False)
    assert watcher.findings[0].rule == "missing-zero-grad"
    assert "missing-zero-grad" in watcher.report()


def test_a_healthy_loop_raises_no_alarm():
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    with watch(model, optimizer) as watcher:
        train(model, optimizer, clear=True)
    assert [f.rule for f in watcher.findings if f.is_alarm] == []


def test_torch_is_put_back():
    before = (torch.autograd.backward, nn.Module.__call__, nn.functional.cross_entropy, torch.optim.Optimizer.zero_grad)
    with watch():
        pass
    after = (torch.autograd.backward, nn.Module.__call__, nn.functional.cross_entropy, torch.optim.Optimizer.zero_grad)
    assert before == after


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(UsageError, match="torch optimizer"):
        watch(nn.Linear(1, 1), [3])
