"""Breast mass classification: standardised features, AdamW with a cosine schedule."""
import argparse

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


def get_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args([])


def prepare(seed):
    x, y = load_breast_cancer(return_X_y=True)
    parts = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(parts[0])
    xt, xv = (torch.tensor(scaler.transform(p), dtype=torch.float32) for p in parts[:2])
    yt, yv = (torch.tensor(p, dtype=torch.float32) for p in parts[2:])
    return xt, xv, yt, yv


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    xt, xv, yt, yv = prepare(args.seed)
    net = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1), nn.Flatten(0))
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        net.train()
        for ids in torch.randperm(len(xt)).split(args.batch):
            loss = bce(net(xt[ids]), yt[ids])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        schedule.step()
        if epoch % 4 == 3:
            net.eval()
            with torch.no_grad():
                z = net(xv)
            print(f"epoch {epoch + 1} valid loss {bce(z, yv).item():.4f} auc {roc_auc_score(yv.numpy(), z.numpy()):.4f}")


if __name__ == "__main__":
    main()
