"""Train once, then look how accuracy falls as test images get worse."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

def blur(x, k): return nn.functional.avg_pool2d(nn.functional.pad(x, (k,) * 4, mode="reflect"), 2 * k + 1, stride=1) if k else x
def noise(x, s): return (x + s * torch.randn(x.shape, generator=torch.Generator().manual_seed(int(s * 100)))).clamp(0, 1)
def occlude(x, k): x = x.clone(); x[..., 4 - k:4 + k, 4 - k:4 + k] = 0; return x
def contrast(x, c): return (x - .3) * c + .3
CORRUPTIONS = {"blur": (blur, (0, 1, 2)), "noise": (noise, (0., .2, .5, 1.)), "occlusion": (occlude, (0, 1, 2, 3)), "contrast": (contrast, (1., .6, .3, .1))}

@torch.no_grad()
def evaluate(net, dl, f=lambda x: x):
    net.eval(); l = a = n = 0
    for x, y in dl:
        o = net(f(x)); l += nn.functional.cross_entropy(o, y, reduction="sum").item(); a += (o.argmax(1) == y).sum().item(); n += len(y)
    return l / n, a / n

def main():
    torch.manual_seed(6)
    d = load_digits()
    a, b, ya, yb = train_test_split(torch.tensor(d.images / 16).float()[:, None], torch.tensor(d.target), test_size=.3, stratify=d.target, random_state=6)
    train, test = DataLoader(TensorDataset(a, ya), 64, shuffle=True), DataLoader(TensorDataset(b, yb), 256)
    net = nn.Sequential(nn.Conv2d(1, 20, 3, padding=1), nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 20, 3, stride=2, padding=1), nn.BatchNorm2d(20), nn.ReLU(),
                        nn.Flatten(), nn.Dropout(.3), nn.Linear(320, 10))
    opt = torch.optim.SGD(net.parameters(), lr=.03, momentum=.9, weight_decay=1e-3)
    sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)
    for ep in range(8):
        net.train(); s = 0
        for x, y in train:
            loss = nn.functional.cross_entropy(net(x), y); opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() / len(train)
        sch.step(); print(ep, f"train {s:.3f} test %.3f acc %.3f" % evaluate(net, test))
    for name, (f, levels) in CORRUPTIONS.items():
        print(name.ljust(10), "  ".join("%s: %.2f (%.2f)" % ((v,) + evaluate(net, test, lambda x: f(x, v))[::-1]) for v in levels))
main()
