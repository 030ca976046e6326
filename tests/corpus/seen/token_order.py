"""Does the opening bracket-like token A come before token B in the sequence?"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, A, B = 20, 16, 0, 1


def sequences(n, seed):
    g = torch.Generator().manual_seed(seed)
    seq = torch.randint(2, VOCAB, (n, LENGTH), generator=g)
    where = torch.stack([torch.randperm(LENGTH, generator=g)[:2] for _ in range(n)])
    seq[torch.arange(n), where[:, 0]] = A
    seq[torch.arange(n), where[:, 1]] = B
    return TensorDataset(seq, (where[:, 0] < where[:, 1]).float())


class OrderNet(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, dim)
        self.hidden = nn.Linear(dim, 32)
        self.output = nn.Linear(32, 1)

    def forward(self, seq):
        pooled = self.embedding(seq).mean(dim=1)
        return self.output(torch.relu(self.hidden(pooled))).squeeze(-1)


def main():
    torch.manual_seed(0)
    train = DataLoader(sequences(5000, 1), batch_size=100, shuffle=True)
    test = DataLoader(sequences(1500, 2), batch_size=500)
    model = OrderNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        model.train()
        running = 0.0
        for seq, first in train:
            optimizer.zero_grad()
            loss = criterion(model(seq), first)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        correct = 0
        with torch.no_grad():
            for seq, first in test:
                correct += ((model(seq) > 0).float() == first).sum().item()
        print(f"Epoch {epoch + 1:2d} | train loss {running / len(train):.4f} | test accuracy {correct / 1500:.3f}")


if __name__ == "__main__":
    main()
