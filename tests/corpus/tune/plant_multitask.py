"""Predict several yields of a chemical plant at once: shared trunk and one head per product."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

PRODUCTS = ("ethylene", "propylene", "benzene")


class Plant(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 9, generator=g)
        w = torch.randn(9, 3, generator=torch.Generator().manual_seed(77)) / 3
        y = torch.tanh(self.x @ w) + 0.5 * (self.x[:, :3] * self.x[:, 3:6]).tanh()
        self.y = y + 0.1 * torch.randn(n, 3, generator=g)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], {name: self.y[i, k] for k, name in enumerate(PRODUCTS)}


class YieldNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(9, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.heads = {name: nn.Linear(width, 1) for name in PRODUCTS}

    def forward(self, x):
        z = self.trunk(x)
        return {name: head(z).squeeze(-1) for name, head in self.heads.items()}


def joint_loss(pred, target):
    return sum(nn.functional.mse_loss(pred[k], target[k]) for k in PRODUCTS) / len(PRODUCTS)


class Fitter:
    def __init__(self, model, lr=2e-3):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def epoch(self, loader, learn):
        self.model.train(learn)
        total, n = 0.0, 0
        with torch.set_grad_enabled(learn):
            for x, y in loader:
                loss = joint_loss(self.model(x), y)
                if learn:
                    self.opt.zero_grad()
                    loss.backward()
                    self.opt.step()
                total += loss.item() * len(x)
                n += len(x)
        return total / n


if __name__ == "__main__":
    torch.manual_seed(8)
    train = DataLoader(Plant(1600, 0), batch_size=64, shuffle=True)
    val = DataLoader(Plant(500, 1), batch_size=250)
    fitter = Fitter(YieldNet())
    for e in range(12):
        print(f"epoch {e}: train {fitter.epoch(train, True):.4f} val {fitter.epoch(val, False):.4f}")
