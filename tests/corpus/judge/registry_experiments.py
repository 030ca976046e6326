"""A registry of models and optimizers; three configurations on the same spirals, the best is reported."""
import torch
import torch.nn as nn
import torch.nn.functional as F

MODELS, OPTIMS = {}, {}


def register(table, name):
    def deco(f):
        table[name] = f
        return f
    return deco


@register(MODELS, "mlp")
def _mlp(width, depth):
    layers, d = [], 2
    for _ in range(depth):
        layers += [nn.Linear(d, width), nn.ReLU()]
        d = width
    return nn.Sequential(*layers, nn.Linear(d, 3))


@register(MODELS, "residual")
class Residual(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.inp = nn.Linear(2, width)
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.out = nn.Linear(width, 3)

    def forward(self, x):
        h = F.silu(self.inp(x))
        for b in self.blocks:
            h = h + F.silu(b(h))
        return self.out(h)


@register(MODELS, "never_used")
class Fourier(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.register_buffer("w", torch.randn(2, width))
        self.out = nn.Linear(2 * width, 3)

    def forward(self, x):
        z = x @ self.w
        return self.out(torch.cat([z.sin(), z.cos()], 1))


OPTIMS["adam"] = lambda ps, lr: torch.optim.Adam(ps, lr=lr)
OPTIMS["sgd"] = lambda ps, lr: torch.optim.SGD(ps, lr=lr, momentum=0.9)
OPTIMS["nadam"] = lambda ps, lr: torch.optim.NAdam(ps, lr=lr)

CONFIGS = {
    "base": dict(model="mlp", width=64, depth=2, optim="adam", lr=5e-3, epochs=20),
    "sgd": dict(model="residual", width=48, depth=1, optim="sgd", lr=0.03, epochs=20),
    "res": dict(model="residual", width=48, depth=2, optim="nadam", lr=3e-3, epochs=16),
}


def spirals(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 3, (n,), generator=g)
    r = 0.1 + 0.9 * torch.rand(n, generator=g)
    a = 3.2 * r + y * 2.0944 + 0.18 * torch.randn(n, generator=g)
    return torch.stack([r * a.cos(), r * a.sin()], 1) / 0.42, y


def run(name, cfg, train, val):
    torch.manual_seed(0)
    model = MODELS[cfg["model"]](cfg["width"], cfg["depth"])
    opt = OPTIMS[cfg["optim"]](model.parameters(), cfg["lr"])
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=cfg["epochs"])
    best = (float("inf"), None)
    for epoch in range(cfg["epochs"]):
        model.train()
        total = 0.0
        for b in torch.randperm(len(train[0])).split(64):
            opt.zero_grad()
            loss = F.cross_entropy(model(train[0][b]), train[1][b])
            loss.backward()
            opt.step()
            total += loss.item() * len(b)
        sched.step()
        model.eval()
        with torch.no_grad():
            out = model(val[0])
            v, acc = F.cross_entropy(out, val[1]).item(), (out.argmax(1) == val[1]).float().mean().item()
        if v < best[0]:
            best = (v, {k: t.clone() for k, t in model.state_dict().items()})
        if epoch % 5 == 0 or epoch == cfg["epochs"] - 1:
            print(f"{name:5s} {epoch:2d} train {total / len(train[0]):.4f} val {v:.4f} acc {acc:.4f}")
    return {"name": name, "val": best[0], "weights": best[1]}


if __name__ == "__main__":
    train, val = spirals(2000, 1), spirals(600, 2)
    print("inputs sd", train[0].std().item(), "classes", train[1].bincount().tolist())
    results = [run(n, c, train, val) for n, c in CONFIGS.items()]
    winner = min(results, key=lambda r: r["val"])
    print("winner", winner["name"], winner["val"])
