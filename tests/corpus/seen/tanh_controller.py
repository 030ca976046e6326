import math
import torch
from torch import nn


class Controller(nn.Module):
    """Feed-forward controller imitating an LQR-like expert with saturating thrust."""

    def __init__(self, state=12, hidden=96, actions=3):
        super().__init__()
        self.l1 = nn.Linear(state, hidden)
        self.l2 = nn.Linear(hidden, hidden)
        self.l3 = nn.Linear(hidden, actions)
        self.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight)
            nn.init.zeros_(m.bias)

    def forward(self, s):
        h = torch.tanh(self.l1(s))
        h = torch.tanh(self.l2(h))
        return self.l3(h) / math.sqrt(self.l3.in_features)


def rollouts(n, seed):
    g = torch.Generator().manual_seed(seed)
    gain = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)) / math.sqrt(12)
    s = torch.randn(n, 12, generator=g)
    return s, torch.clamp(s @ gain + 0.3 * torch.sin(2 * s[:, :3]), -1.5, 1.5)


def main():
    torch.manual_seed(44)
    s, a = rollouts(3000, 1)
    sv, av = rollouts(600, 2)
    policy = Controller()
    opt = torch.optim.Adam(policy.parameters(), lr=1e-3)
    for epoch in range(12):
        policy.train()
        tot = 0.0
        for ids in torch.randperm(len(s)).split(64):
            loss = (policy(s[ids]) - a[ids]).square().mean()
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            tot += loss.item() * len(ids)
        policy.eval()
        with torch.no_grad():
            v = (policy(sv) - av).square().mean().item()
        print(f"epoch {epoch:2d} imitation loss {tot / len(s):.4f} / {v:.4f}")


main()
