"""Observation changes no bit of a program's output."""

import subprocess
import sys

import pytest

HEAD = """
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0); np.random.seed(0); random.seed(0)
X = torch.randn(96, 6); y = (X[:, 0] > 0).long()
loader = DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True{loader})
model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
"""
LOOP = """
for epoch in range(3):
    model.train()
    for x, t in loader:
        optimizer.zero_grad()
        {forward}
        loss.backward()
        optimizer.step()
        print(repr(loss.item()), random.random(), np.random.rand())
    model.eval()
    with torch.no_grad():
        print(model(X).sum().item())
"""
PLAIN = "loss = F.cross_entropy(model(x), t)"
PROGRAMS = {
    "plain": HEAD.format(loader="") + LOOP.format(forward=PLAIN),
    "workers": "if __name__ == '__main__':\n"
    + (HEAD.format(loader=", num_workers=2") + LOOP.format(forward=PLAIN)).replace("\n", "\n  "),
    "autocast": HEAD.format(loader="")
    + LOOP.format(forward="with torch.autocast('cpu', dtype=torch.bfloat16): loss = F.cross_entropy(model(x), t)"),
    "checkpointing": HEAD.format(loader="")
    + "from torch.utils.checkpoint import checkpoint\n"
    + LOOP.format(forward="loss = F.cross_entropy(checkpoint(model, x, use_reentrant=False), t)"),
    "compile": HEAD.format(loader="")
    + "compiled = torch.compile(model, backend='aot_eager')\n"
    + LOOP.format(forward="loss = F.cross_entropy(compiled(x), t)"),
    "functional": HEAD.format(loader="").replace("nn.BatchNorm1d(12), ", "").replace("nn.Dropout(0.2), ", "")
    + """
from torch.func import functional_call, grad, vmap
weights = {k: v.detach() for k, v in model.named_parameters()}
for step in range(5):
    slope = grad(lambda w: F.cross_entropy(functional_call(model, w, (X,)), y))(weights)
    each = vmap(lambda row: functional_call(model, weights, (row,)))(X)
    weights = {k: v - 0.1 * slope[k] for k, v in weights.items()}
    print(each.sum().item())
""",
    "own patches": HEAD.format(loader="")
    + """
before = torch.Tensor.backward
def noisy(self, *a, **k):
    print("backward"); return before(self, *a, **k)
torch.Tensor.backward = noisy
"""
    + LOOP.format(forward=PLAIN),
}


FAST = ("plain",)


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in PROGRAMS])
def test_printed_output_is_the_same_to_the_bit(name, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(PROGRAMS[name])
    alone = subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=tmp_path)
    command = "from trainwell.check.command import check_command; check_command()"
    watched = subprocess.run(
        [sys.executable, "-c", command, path, "--output", tmp_path / "report.txt"], capture_output=True, text=True
    )
    assert alone.returncode == 0, alone.stderr
    assert watched.stdout == alone.stdout
    assert watched.returncode in (0, 1), watched.stderr
