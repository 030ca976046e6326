"""A classifier, then one temperature and a bias per class, fitted by LBFGS on held-out logits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def ece(p, y, bins=10):
    conf, pred = p.max(1)
    e = 0.0
    for k in range(bins):
        m = (conf > k / bins) & (conf <= (k + 1) / bins)
        if m.any():
            e += m.float().mean() * (conf[m].mean() - (pred[m] == y[m]).float().mean()).abs()
    return float(e)


class Calibrator(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.log_t = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(k))

    def forward(self, z):
        return z * torch.exp(-self.log_t) + self.bias


def main():
    torch.manual_seed(2)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor((X - 8) / 8, dtype=torch.float32)
    y = torch.tensor(y)
    idx = torch.arange(len(y))
    tr, rest = train_test_split(idx, test_size=800, stratify=y, random_state=2)
    ca, te = train_test_split(rest, test_size=400, stratify=y[rest], random_state=2)
    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 10))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    for epoch in range(20):
        net.train()
        s = 0
        for b in tr[torch.randperm(len(tr))].split(32):
            loss = F.cross_entropy(net(X[b]), y[b], label_smoothing=0.2)
            opt.zero_grad()
            loss.backward()
            opt.step()
            s += loss.item() * len(b) / len(tr)
        if epoch % 4 == 3:
            net.eval()
            with torch.no_grad():
                print(epoch, f"train(smoothed) {s:.3f}  held-out(smoothed) {F.cross_entropy(net(X[ca]), y[ca], label_smoothing=0.2):.3f}  held-out nll {F.cross_entropy(net(X[ca]), y[ca]):.3f}")
    net.eval()
    with torch.no_grad():
        zc, zt = net(X[ca]), net(X[te])
    cal = Calibrator(10)
    lb = torch.optim.LBFGS(cal.parameters(), lr=0.5, max_iter=40, line_search_fn="strong_wolfe")

    def closure():
        lb.zero_grad()
        l = F.cross_entropy(cal(zc), y[ca]) + 0.01 * cal.bias.square().sum()
        l.backward()
        return l

    print("calibration loss before", lb.step(closure).item(), "after", closure().item())
    with torch.no_grad():
        for name, z in (("raw", zt), ("calibrated", cal(zt))):
            print(name, f"nll {F.cross_entropy(z, y[te]):.3f} ece {ece(z.softmax(1), y[te]):.3f} acc {(z.argmax(1) == y[te]).float().mean():.3f}")
    print("temperature", cal.log_t.exp().item())


main()
