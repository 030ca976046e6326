"""Multi-label tagging: each song can be fast, loud, minor and/or live."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

TAGS = ["fast", "loud", "minor", "live"]


def songs(n, gen):
    x = torch.randn(n, 14, generator=gen)
    noise = 0.3 * torch.randn(n, 4, generator=gen)
    scores = torch.stack([
        x[:, 0] + 0.5 * x[:, 1],
        x[:, 2].abs() - 0.8 + 0.5 * x[:, 3],
        x[:, 4] * x[:, 5],
        0.8 * x[:, 6] - 0.6 * x[:, 0] + 0.4 * x[:, 7] - 0.3,
    ], dim=1)
    return x, (scores + noise > 0).float()


class Tagger(nn.Module):
    def __init__(self, d=14, hidden=96, tags=4):
        super().__init__()
        self.hidden = nn.Linear(d, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.heads = nn.Linear(hidden, tags)

    def forward(self, x):
        return self.heads(torch.relu(self.bn(self.hidden(x))))


def f1(pred, truth):
    tp = (pred * truth).sum(0)
    return 2 * tp / (pred.sum(0) + truth.sum(0)).clamp(min=1)


def main():
    torch.manual_seed(36)
    gen = torch.Generator().manual_seed(36)
    loader = DataLoader(TensorDataset(*songs(4000, gen)), batch_size=80, shuffle=True)
    test_loader = DataLoader(TensorDataset(*songs(1000, gen)), batch_size=250)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        preds, truths = [], []
        with torch.no_grad():
            for x, y in test_loader:
                preds.append((model(x) > 0).float())
                truths.append(y)
        scores = f1(torch.cat(preds), torch.cat(truths))
        print(f"epoch {epoch + 1}: " + "  ".join(f"{t} {s:.3f}" for t, s in zip(TAGS, scores.tolist())))


if __name__ == "__main__":
    main()
