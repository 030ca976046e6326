"""Greedy layer-local learning: every block has its own head, optimizer and loss; nothing flows between blocks."""
import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class LocalBlock(nn.Module):
    def __init__(self, cin, cout, pool, side):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(side * side * cout, 10))

    def forward(self, x):
        h = self.pool(self.body(x))
        return h, self.aux(h)


class LocalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([LocalBlock(1, 16, False, 4), LocalBlock(16, 32, True, 4), LocalBlock(32, 48, True, 2)])

    def forward(self, x):
        outs = []
        for b in self.blocks:
            x, o = b(x.detach())
            outs.append(o)
        return outs


class Trainer:
    def __init__(self, net, train, val, epochs=6, bs=64):
        self.net, self.train, self.val, self.epochs, self.bs = net, train, val, epochs, bs
        self.opts = [torch.optim.AdamW(b.parameters(), lr=3e-3, weight_decay=1e-3) for b in net.blocks]
        self.scheds = [torch.optim.lr_scheduler.CosineAnnealingLR(o, epochs, eta_min=1e-4) for o in self.opts]

    def epoch(self):
        self.net.train()
        x, y = self.train
        tot = torch.zeros(len(self.opts))
        for idx in torch.randperm(len(x)).split(self.bs):
            xb = x[idx] + 0.05 * torch.randn_like(x[idx])
            for k, (o, opt) in enumerate(zip(self.net(xb), self.opts)):
                loss = F.cross_entropy(o, y[idx], label_smoothing=0.05)
                opt.zero_grad()
                loss.backward()
                opt.step()
                tot[k] += loss.item() * len(idx)
        for s in self.scheds:
            s.step()
        return tot / len(x)

    @torch.no_grad()
    def evaluate(self):
        self.net.eval()
        x, y = self.val
        outs = self.net(x)
        ens = torch.stack([o.log_softmax(1) for o in outs]).mean(0)
        return [F.cross_entropy(o, y).item() for o in outs], (ens.argmax(1) == y).float().mean().item()

    def fit(self):
        for e in range(self.epochs):
            tr = self.epoch()
            va, acc = self.evaluate()
            print(f"epoch {e} train {[round(v, 3) for v in tr.tolist()]} val {[round(v, 3) for v in va]} ensemble acc {acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(17)
    d = load_digits()
    a, b, ya, yb = train_test_split(d.images, d.target, test_size=0.25, random_state=2, stratify=d.target)
    t = lambda v: torch.tensor(v, dtype=torch.float32).unsqueeze(1) / 16
    Trainer(LocalNet(), (t(a), torch.tensor(ya)), (t(b), torch.tensor(yb))).fit()
