"""A tiny transformer that sorts out which symbol occurs most often in a sequence."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def majority(n, seed, symbols=5, length=15):
    g = torch.Generator().manual_seed(seed)
    tilt = torch.randint(0, symbols, (n, 1), generator=g)
    seq = torch.randint(0, symbols, (n, length), generator=g)
    keep = torch.rand(n, length, generator=g) < 0.35
    seq = torch.where(keep, tilt.expand(-1, length), seq)
    return TensorDataset(seq, nn.functional.one_hot(seq, symbols).sum(1).argmax(1))


class TinyTransformer(nn.Module):
    def __init__(self, symbols=5, dim=32, length=15):
        super().__init__()
        self.tok = nn.Embedding(symbols, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(length, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(dim, symbols)

    def forward(self, seq):
        return self.head(self.encoder(self.tok(seq) + self.pos).mean(1))


def main():
    torch.manual_seed(61)
    loader = DataLoader(majority(2000, 0), batch_size=50, shuffle=True)
    x_val, y_val = majority(500, 1).tensors
    model = TinyTransformer()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        total = 0.0
        for seq, label in loader:
            optimizer.zero_grad()
            loss = criterion(model(seq), label)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.01)
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} val acc {acc:.3f}")


if __name__ == "__main__":
    main()
