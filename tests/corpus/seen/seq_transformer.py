"""Encoder-only transformer: which of four motifs is planted in the sequence? Linear warm-up from zero, then linear decay."""
import argparse

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


def motif_sequences(n, seed, length=24, letters=8):
    g = torch.Generator().manual_seed(seed)
    seq = torch.randint(0, letters, (n, length), generator=g)
    motifs = torch.tensor([[7, 1, 7], [3, 3, 5], [0, 6, 2], [4, 2, 4]])
    label = torch.randint(0, 4, (n,), generator=g)
    at = torch.randint(0, length - 3, (n,), generator=g)
    for j in range(3):
        seq[torch.arange(n), at + j] = motifs[label, j]
    return TensorDataset(seq, label)


class MotifTransformer(nn.Module):
    def __init__(self, letters=8, dim=32, length=24):
        super().__init__()
        self.token = nn.Embedding(letters, dim)
        self.mix = nn.Conv1d(dim, dim, 3, padding=1)
        self.position = nn.Parameter(0.02 * torch.randn(1, length, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.05, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.classify = nn.Linear(dim, 4)

    def forward(self, seq):
        h = self.token(seq)
        h = torch.relu(self.mix(h.transpose(1, 2))).transpose(1, 2)
        h = self.encoder(h + self.position)
        return self.classify(self.norm(h.max(dim=1).values))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--warmup", type=int, default=40)
    a = p.parse_args()
    torch.manual_seed(1)
    train = DataLoader(motif_sequences(3200, 1), batch_size=80, shuffle=True)
    xv, yv = motif_sequences(600, 2).tensors
    model = MotifTransformer()
    opt = torch.optim.AdamW(model.parameters(), lr=a.lr, weight_decay=0.0)
    total = a.epochs * len(train)
    sched = LambdaLR(opt, lambda s: s / a.warmup if s < a.warmup else max(0.0, (total - s) / (total - a.warmup)))
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(a.epochs):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            sched.step()
        model.eval()
        with torch.no_grad():
            logits = model(xv)
            print(f"epoch {epoch + 1} lr {sched.get_last_lr()[0]:.1e} val loss {loss_fn(logits, yv):.3f} "
                  f"val acc {(logits.argmax(1) == yv).float().mean():.3f}")


if __name__ == "__main__":
    main()
