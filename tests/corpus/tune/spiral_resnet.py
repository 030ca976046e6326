import math
import torch
import torch.nn as nn


def spirals(n, g, arms=3):
    k = torch.randint(0, arms, (n,), generator=g)
    r = 0.1 + 0.9 * torch.rand(n, generator=g)
    a = 2 * math.pi * k / arms + 4.0 * r
    xy = torch.stack([r * a.cos(), r * a.sin()], 1)
    return 2 * (xy + 0.03 * torch.randn(n, 2, generator=g)), k


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Linear(width, width)
        self.b = nn.Linear(width, width)

    def forward(self, h):
        return h + self.b(torch.relu(self.a(h)))


class ResMLP(nn.Module):
    def __init__(self, width=32, depth=3, classes=3):
        super().__init__()
        self.stem = nn.Linear(2, width)
        self.blocks = [Block(width) for _ in range(depth)]
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))


def main(steps=600, batch=64, lr=3e-3, seed=8):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    x, y = spirals(2000, g)
    xv, yv = spirals(500, g)
    model = ResMLP()
    opt = torch.optim.AdamW(model.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps)
    ce = nn.CrossEntropyLoss()
    for step in range(steps):
        idx = torch.randint(0, len(x), (batch,), generator=g)
        loss = ce(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if (step + 1) % 100 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(xv).argmax(1) == yv).float().mean().item()
            model.train()
            print(f"step {step + 1:4d} loss {loss.item():.3f} val acc {acc:.3f}")


if __name__ == "__main__":
    main()
