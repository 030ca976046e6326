import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


class StarNet(nn.Module):
    """Predicts the (standardised) mean rating from word counts of a review."""

    def __init__(self, n_words, hidden=96, p=0.35):
        super().__init__()
        self.p = p
        self.a = nn.Linear(n_words, hidden)
        self.b = nn.Linear(hidden, hidden)
        self.c = nn.Linear(hidden, 1)

    def forward(self, counts):
        h = F.relu(self.a(counts))
        h = F.dropout(h, self.p)
        h = F.relu(self.b(h))
        h = F.dropout(h, self.p)
        return self.c(h).squeeze(-1)


def reviews(n=2600, words=50):
    g = torch.Generator().manual_seed(8)
    tone = torch.randn(words, generator=g) * 0.4
    counts = torch.poisson(torch.full((n, words), 0.8), generator=g)
    stars = counts @ tone + 0.3 * torch.randn(n, generator=g)
    stars = (stars - stars.mean()) / stars.std()
    return TensorDataset(torch.log1p(counts), stars)


def r2(model, loader):
    model.eval()
    se, ys = 0.0, []
    with torch.no_grad():
        for c, s in loader:
            se += F.mse_loss(model(c), s, reduction="sum").item()
            ys.append(s)
    ys = torch.cat(ys)
    return 1 - se / ((ys - ys.mean()) ** 2).sum().item()


torch.manual_seed(8)
train, valid = random_split(reviews(), [2100, 500], generator=torch.Generator().manual_seed(3))
train_loader, valid_loader = DataLoader(train, 70, shuffle=True), DataLoader(valid, 250)
model = StarNet(50)
optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
for epoch in range(10):
    model.train()
    for c, s in train_loader:
        optimizer.zero_grad()
        loss = F.mse_loss(model(c), s)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: last train mse {loss.item():.3f}, valid R2 {r2(model, valid_loader):.3f}")
