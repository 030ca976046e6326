"""Low-memory training: tiny forward passes, one update every few of them."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--micro-batch", type=int, default=2)
parser.add_argument("--effective-batch", type=int, default=32)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--lr", type=float, default=3e-3)


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out, bias=False)
        self.norm = nn.BatchNorm1d(n_out)

    def forward(self, x):
        return torch.relu(self.norm(self.linear(x)))


def datasets(seed=0):
    x, y = load_digits(return_X_y=True)
    x_tr, x_te, y_tr, y_te = train_test_split(x / 16.0, y, test_size=0.3, random_state=seed, stratify=y)
    wrap = lambda a, b: TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b))
    return wrap(x_tr, y_tr), wrap(x_te, y_te)


def main(args):
    torch.manual_seed(0)
    train, test = datasets()
    loader = DataLoader(train, batch_size=args.micro_batch, shuffle=True, drop_last=True)
    test_loader = DataLoader(test, batch_size=128)
    every = args.effective_batch // args.micro_batch
    model = nn.Sequential(Block(64, 64), Block(64, 32), nn.Linear(32, 10))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr)
    ce = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        opt.zero_grad()
        running = 0.0
        for i, (x, y) in enumerate(loader, 1):
            loss = ce(model(x), y)
            (loss / every).backward()
            running += loss.item()
            if i % every == 0:
                opt.step()
                opt.zero_grad()
        model.eval()
        with torch.no_grad():
            out = [(model(x), y) for x, y in test_loader]
        logits, target = torch.cat([o for o, _ in out]), torch.cat([y for _, y in out])
        print(f"epoch {epoch}: train {running / len(loader):.3f} test {ce(logits, target).item():.3f} acc {(logits.argmax(1) == target).float().mean().item():.3f}")


if __name__ == "__main__":
    main(parser.parse_args())
