"""Crop yield from soil and weather columns, with early stopping on a validation set and a final test."""
import copy

import numpy as np
import torch
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


def fields(n, rng):
    rain, temp, ph, nitro = rng.gamma(6, 90, n), rng.normal(16, 4, n), rng.normal(6.5, 0.5, n), rng.uniform(20, 180, n)
    y = 4 + 0.004 * rain - 0.03 * (temp - 17) ** 2 - (ph - 6.4) ** 2 + 1.5 * np.log(nitro) + rng.normal(0, 0.5, n)
    return np.stack([rain, temp, ph, nitro], 1), y


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, float("inf"), 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.bad, self.state = value, 0, copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def main():
    torch.manual_seed(8)
    x, y = fields(3000, np.random.default_rng(8))
    x_rest, x_test, y_rest, y_test = train_test_split(x, y, test_size=500, random_state=8)
    x_tr, x_va, y_tr, y_va = train_test_split(x_rest, y_rest, test_size=500, random_state=8)
    xm, xs, ym, ys = x_tr.mean(0), x_tr.std(0), y_tr.mean(), y_tr.std()
    fx = lambda a: torch.tensor((a - xm) / xs, dtype=torch.float32)
    fy = lambda a: torch.tensor((a - ym) / ys, dtype=torch.float32).unsqueeze(1)
    loader = DataLoader(TensorDataset(fx(x_tr), fy(y_tr)), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 32), nn.Softplus(), nn.Linear(32, 32), nn.Softplus(), nn.Linear(32, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    plateau = ReduceLROnPlateau(opt, factor=0.3, patience=2)
    stopper, mse = EarlyStopping(patience=6), nn.MSELoss()
    for epoch in range(20):
        model.train()
        tot = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = mse(model(xb), yb)
            loss.backward()
            opt.step()
            tot += loss.item()
        model.eval()
        with torch.no_grad():
            val = mse(model(fx(x_va)), fy(y_va)).item()
        plateau.step(val)
        print(f"epoch {epoch:2d} train {tot / len(loader):.4f} val {val:.4f} lr {opt.param_groups[0]['lr']:.5f}")
        if stopper.update(val, model):
            break
    model.load_state_dict(stopper.state)
    with torch.no_grad():
        pred = model(fx(x_test)).squeeze(1).numpy() * ys + ym
    print("test R2", round(r2_score(y_test, pred), 4))


if __name__ == "__main__":
    main()
