"""Digit classifier for a microcontroller."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class MicroNet(nn.Module):
    def __init__(self, code=1):
        super().__init__()
        self.front = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, code), nn.Sigmoid())
        self.back = nn.Linear(code, 10)

    def forward(self, x):
        return self.back(self.front(x))


def report(tag, model, ds):
    model.eval()
    x, y = ds.tensors
    with torch.no_grad():
        out = model(x)
    print(f"{tag}: loss {nn.functional.cross_entropy(out, y).item():.3f} acc {(out.argmax(1) == y).float().mean().item():.3f}")


def main():
    torch.manual_seed(9)
    x, y = load_digits(return_X_y=True)
    xa, xb, ya, yb = train_test_split(x / 16, y, test_size=0.25, random_state=9, stratify=y)
    tr = TensorDataset(torch.tensor(xa).float(), torch.tensor(ya))
    te = TensorDataset(torch.tensor(xb).float(), torch.tensor(yb))
    net = MicroNet()
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(30):
        net.train()
        for xb_, yb_ in DataLoader(tr, batch_size=50, shuffle=True):
            opt.zero_grad()
            nn.functional.cross_entropy(net(xb_), yb_).backward()
            opt.step()
        if epoch % 6 == 5:
            report(f"epoch {epoch + 1} train", net, tr)
            report(f"epoch {epoch + 1} test ", net, te)


if __name__ == "__main__":
    main()
