"""Findings stand where the fault is written, not where it shows."""

import pytest

HEAD = """import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
X = torch.randn(120, 6)
y = (X @ torch.randn(6, 3)).argmax(1)
"""
LOOP = """
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(30):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(X), y)
    loss.backward()
    optimizer.step()
"""
MODELS = {
    "double-softmax": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        scores = self.layer(x)
        return scores.softmax(1)  # here
""",
    "missing-nonlinearity": """class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Linear(6, 30),
            nn.Dropout(0.1),
            nn.Dropout(0.1),
            nn.Linear(30, 30),  # here
            nn.ReLU(),
            nn.Linear(30, 3),
        )
""",
    "detached-branch": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 9)
        self.last = nn.Linear(9, 3)

    def forward(self, x):
        h = self.layer(x).relu()
        h = h.detach()  # here
        return self.last(h)
""",
    "unregistered-parameters": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = []
        for _ in range(2):
            self.layers.append(nn.Linear(6, 6))  # here
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).relu()
        return self.last(x)
""",
    "symmetric-initialization": """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 9)
        self.last = nn.Linear(9, 3)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.constant_(module.weight, 0.1)  # here
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.last(self.layer(x).relu())
""",
}


FAST = ("double-softmax",)


@pytest.mark.parametrize("rule", [r if r in FAST else pytest.param(r, marks=pytest.mark.slow) for r in MODELS])
def test_a_fault_of_the_model_is_placed_in_the_model(checked, rule):
    text = HEAD + MODELS[rule] + LOOP
    found = next(f for f in checked(text).findings if f.rule == rule)
    assert found.place.line == next(i for i, row in enumerate(text.splitlines(), 1) if "# here" in row)
