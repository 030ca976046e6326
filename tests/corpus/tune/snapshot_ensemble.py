import argparse, copy
import torch
from torch import nn
from sklearn.datasets import make_moons

def three_class(n, g):
    """spirals with noise"""
    k = torch.arange(n) % 3
    r = torch.rand(n, generator=g) * .9 + .1
    th = r * 4.2 + k * 2.0944 + torch.randn(n, generator=g) * .55
    return torch.stack([r * th.cos(), r * th.sin()], 1) * 1.7, k

class Net(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.inp, self.mid, self.out = nn.Linear(2, h), nn.Linear(h, h), nn.Linear(h, 3)
        self.norm = nn.LayerNorm(h)
    def forward(self, x):
        h = torch.relu(self.inp(x))
        return self.out(h + torch.relu(self.mid(self.norm(h))))

def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--cycles', type=int, default=3); ap.add_argument('--epochs-per-cycle', type=int, default=12)
    ap.add_argument('--lr', type=float, default=.15); ap.add_argument('--seed', type=int, default=0)
    a = ap.parse_args()
    torch.manual_seed(a.seed); g = torch.Generator().manual_seed(a.seed + 1)
    X, y = three_class(1500, g); Xv, yv = three_class(900, g)
    net, ce = Net(), nn.CrossEntropyLoss()
    opt = torch.optim.SGD(net.parameters(), lr=a.lr, momentum=.9, weight_decay=5e-4)
    per = 1500 // 50
    sch = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=a.epochs_per_cycle * per)
    snaps = []
    for c in range(a.cycles):
        for e in range(a.epochs_per_cycle):
            net.train(); s = 0
            for b in torch.randperm(1500).view(per, 50):
                loss = ce(net(X[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step(); sch.step(); s += loss.item() / per
            net.eval()
            with torch.no_grad(): v = ce(net(Xv), yv).item()
            if e % 3 == 2: print(f'cycle {c} epoch {e} train {s:.3f} val {v:.3f} lr {opt.param_groups[0]["lr"]:.4f}')
        snaps.append(copy.deepcopy(net).eval())
    with torch.no_grad():
        P = torch.stack([m(Xv).softmax(1) for m in snaps])
    for i, p in enumerate(P): print('snapshot', i, (p.argmax(1) == yv).float().mean().item())
    print('ensemble', (P.mean(0).argmax(1) == yv).float().mean().item())
if __name__ == '__main__': main()
