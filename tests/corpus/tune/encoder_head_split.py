"""Digit classifier with separate learning rates (and optimizers) for encoder and head."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)


def get_loaders(batch_size):
    d = load_digits()
    x = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(d.target)
    tr, va = train_test_split(range(len(y)), test_size=0.25, stratify=d.target, random_state=4)
    return (DataLoader(TensorDataset(x[tr], y[tr]), batch_size, shuffle=True),
            DataLoader(TensorDataset(x[va], y[va]), 256))


def train_epoch(encoder, head, opt_enc, opt_head, loader):
    encoder.train(), head.train()
    total, n = 0.0, 0
    for img, label in loader:
        logits = head(encoder(img))
        loss = F.cross_entropy(logits, label)
        opt_head.zero_grad()
        loss.backward()
        opt_enc.step()
        opt_head.step()
        total += loss.item() * len(label)
        n += len(label)
    return total / n


@torch.no_grad()
def validate(encoder, head, loader):
    encoder.eval(), head.eval()
    loss, good, n = 0.0, 0, 0
    for img, label in loader:
        out = head(encoder(img))
        loss += F.cross_entropy(out, label, reduction="sum").item()
        good += (out.argmax(1) == label).sum().item()
        n += len(label)
    return loss / n, good / n


def main():
    torch.manual_seed(8)
    train_dl, val_dl = get_loaders(64)
    encoder = Encoder()
    head = nn.Sequential(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 10))
    opt_enc = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    opt_head = torch.optim.Adam(head.parameters(), lr=2e-3)
    for epoch in range(8):
        tr = train_epoch(encoder, head, opt_enc, opt_head, train_dl)
        vl, acc = validate(encoder, head, val_dl)
        print(f"{epoch:2d} | train {tr:.3f} | val {vl:.3f} | acc {acc:.3f}")


if __name__ == "__main__":
    main()
