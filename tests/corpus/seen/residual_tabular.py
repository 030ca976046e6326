"""Residual MLP for a tabular problem with interactions between the columns."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(123)


def synth(n):
    x = torch.randn(n, 12)
    score = x[:, 0] * x[:, 1] + torch.sin(2 * x[:, 2]) + 0.5 * x[:, 3] ** 2 - 0.5 + 0.7 * x[:, 4]
    y = (score + 0.1 * torch.randn(n) > 0).long()
    return x, y


class ResidualMLP(nn.Module):
    def __init__(self, in_dim, width, depth, n_out):
        super().__init__()
        self.stem = nn.Linear(in_dim, width)
        self.blocks = [nn.Linear(width, width) for _ in range(depth)]
        self.head = nn.Linear(width, n_out)

    def forward(self, x):
        h = F.relu(self.stem(x))
        for block in self.blocks:
            h = h + F.relu(block(h))
        return self.head(h)


x_train, y_train = synth(3000)
x_test, y_test = synth(1000)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=100, shuffle=True)

model = ResidualMLP(12, 48, 3, 2)
print("parameters:", sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

loss_log = []
for epoch in range(10):
    model.train()
    for xb, yb in loader:
        logits = model(xb)
        loss = F.cross_entropy(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_log.append(loss)
    model.eval()
    with torch.no_grad():
        test_acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    recent = sum(l.item() for l in loss_log[-30:]) / 30
    print(f"epoch {epoch}: loss {recent:.4f}  test accuracy {test_acc:.3f}")
