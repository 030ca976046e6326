"""Sequence labeller for synthetic activity traces (walk / run / climb / rest)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)
N_CLASS, LENGTH = 4, 30


def traces(n):
    kind = torch.randint(0, N_CLASS, (n,))
    t = torch.arange(LENGTH).float() / LENGTH
    speed = torch.tensor([2.0, 5.0, 3.0, 0.5])[kind].unsqueeze(1)
    slope = torch.tensor([0.0, 0.0, 1.5, 0.0])[kind].unsqueeze(1)
    a = torch.sin(6.28 * speed * t + torch.rand(n, 1) * 6.28)
    b = slope * t - slope / 2 + 0.3 * a
    x = torch.stack([a, b], dim=2)
    return x + 0.3 * torch.randn_like(x), kind


class TraceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(2, 24, 5, padding=2)
        self.c2 = nn.Conv1d(24, 24, 5, padding=2)
        self.fc = nn.Linear(24, N_CLASS)

    def forward(self, x):
        h = F.relu(self.c1(x.transpose(1, 2)))
        h = F.relu(self.c2(h))
        return self.fc(h.mean(dim=2))


x_tr, y_tr = traces(1600)
x_va, y_va = traces(500)
net = TraceNet()
sgd = torch.optim.SGD(net.parameters(), lr=0.8, momentum=0.95)

for epoch in range(10):
    net.train()
    losses = []
    for idx in torch.randperm(len(x_tr)).split(32):
        loss = F.cross_entropy(net(x_tr[idx]), y_tr[idx])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        out = net(x_va)
        acc = (out.argmax(1) == y_va).float().mean()
    print(f"epoch {epoch} train {sum(losses) / len(losses):.3f} (max {max(losses):.2f}) "
          f"val {F.cross_entropy(out, y_va):.3f} acc {acc:.3f}")
