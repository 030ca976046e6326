"""Two heads on one trunk: which digit, and how much ink. The task weights are learned."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 48), nn.ReLU())
        self.digit = nn.Linear(48, 10)
        self.ink = nn.Linear(48, 1)
        self.log_var = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.trunk(x)
        return self.digit(h), self.ink(h).squeeze(1)

    def loss(self, x, digit, ink):
        d, i = self(x)
        parts = torch.stack([F.cross_entropy(d, digit), 0.5 * F.mse_loss(i, ink)])
        return (parts * (-self.log_var).exp() + 0.5 * self.log_var).sum(), parts.detach(), d


def datasets(seed):
    X, y = load_digits(return_X_y=True)
    ink = X.sum(1)
    tr, te = train_test_split(np.arange(len(y)), test_size=0.25, stratify=y, random_state=seed)
    ink = (ink - ink[tr].mean()) / ink[tr].std()
    X = torch.tensor(X / 16.0 - 0.305, dtype=torch.float32)
    pack = lambda i: TensorDataset(X[i], torch.tensor(y[i]), torch.tensor(ink[i], dtype=torch.float32))
    return pack(tr), pack(te)


def main():
    torch.manual_seed(27)
    train_set, test_set = datasets(27)
    model = TwoHeads()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        parts = []
        for x, d, i in DataLoader(train_set, batch_size=48, shuffle=True):
            opt.zero_grad()
            loss, p, _ = model.loss(x, d, i)
            loss.backward()
            opt.step()
            parts.append(p)
        model.eval()
        with torch.no_grad():
            x, d, i = test_set.tensors
            _, tp, logits = model.loss(x, d, i)
            acc = (logits.argmax(1) == d).float().mean().item()
        m = torch.stack(parts).mean(0)
        print(f"epoch {epoch}: train digit {m[0]:.3f} ink {m[1]:.4f} | test digit {tp[0]:.3f} ink {tp[1]:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
