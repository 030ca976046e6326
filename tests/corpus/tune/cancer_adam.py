import logging

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("cancer")

SEED = 42
np.random.seed(SEED)
torch.manual_seed(SEED)


def prepare():
    data = load_breast_cancer()
    x_tr, x_te, y_tr, y_te = train_test_split(data.data, data.target, test_size=0.3, random_state=SEED,
                                              stratify=data.target)
    sc = StandardScaler()
    x_tr = sc.fit_transform(x_tr)
    x_te = sc.transform(x_te)
    f = lambda a: torch.tensor(a, dtype=torch.float32)
    return f(x_tr), f(y_tr).unsqueeze(1), f(x_te), f(y_te).unsqueeze(1)


def make_model(n_in):
    return nn.Sequential(nn.Linear(n_in, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))


def run_epoch(model, x, y, lr=2e-3, batch_size=16):
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    model.train()
    losses = []
    for idx in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def score(model, x, y):
    model.eval()
    with torch.no_grad():
        p = torch.sigmoid(model(x))
    return roc_auc_score(y.numpy(), p.numpy()), ((p > 0.5).float() == y).float().mean().item()


def main():
    x_tr, y_tr, x_te, y_te = prepare()
    model = make_model(x_tr.shape[1])
    for epoch in range(15):
        loss = run_epoch(model, x_tr, y_tr)
        auc, acc = score(model, x_te, y_te)
        log.info("epoch %02d loss %.4f auc %.4f acc %.4f", epoch, loss, auc, acc)


if __name__ == "__main__":
    main()
