import copy
import logging

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn

log = logging.getLogger("diabetes")
logging.basicConfig(level="INFO", format="%(name)s | %(message)s")


class EarlyStopping:
    def __init__(self, patience=12, min_delta=1e-4):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.wait, self.weights = float("inf"), 0, None

    def update(self, value, model):
        if value < self.best - self.min_delta:
            self.best, self.wait, self.weights = value, 0, copy.deepcopy(model.state_dict())
        else:
            self.wait += 1
        return self.wait >= self.patience


def main(seed=4):
    torch.manual_seed(seed)
    x, y = load_diabetes(return_X_y=True, scaled=False)
    p = np.random.RandomState(seed).permutation(len(y))
    tr, va, te = p[:290], p[290:365], p[365:]
    x = (x - x[tr].mean(0)) / x[tr].std(0)
    mean, std = y[tr].mean(), y[tr].std()
    x = torch.tensor(x, dtype=torch.float32)
    y = torch.tensor((y - mean) / std, dtype=torch.float32).reshape(-1, 1)

    net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    mse, stopper = nn.MSELoss(), EarlyStopping()
    for epoch in range(200):
        net.train()
        for ids in torch.as_tensor(np.random.RandomState(epoch).permutation(tr)).split(29):
            opt.zero_grad()
            mse(net(x[ids]), y[ids]).backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            v = mse(net(x[va]), y[va]).item()
        if epoch % 10 == 0:
            log.info("epoch %d valid %.4f", epoch, v)
        if stopper.update(v, net):
            log.info("no progress since %d epochs, stop at %d", stopper.wait, epoch)
            break
    net.load_state_dict(stopper.weights)
    net.eval()
    with torch.no_grad():
        rmse = mse(net(x[te]), y[te]).sqrt().item() * std
    log.info("best valid %.4f, test RMSE %.1f", stopper.best, rmse)


if __name__ == "__main__":
    main()
