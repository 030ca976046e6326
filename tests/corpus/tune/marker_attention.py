"""Big effective batches on a small box: attention classifier over token lists."""
import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def token_lists(n, seed, vocab=20, length=12):
    """Label: which of the two marker tokens (0 or 1) occurs more often."""
    g = torch.Generator().manual_seed(seed)
    toks = torch.randint(0, vocab, (n, length), generator=g)
    mark = torch.rand(n, length, generator=g) < 0.35
    which = (torch.rand(n, length, generator=g) < torch.rand(n, 1, generator=g)).long()
    toks = torch.where(mark, which, toks)
    label = ((toks == 1).sum(1) > (toks == 0).sum(1)).long()
    return TensorDataset(toks, label)


class PooledAttention(nn.Module):
    def __init__(self, vocab=20, dim=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.attn = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 48), nn.GELU(), nn.Linear(48, 2))

    def forward(self, toks):
        h = self.emb(toks)
        h = self.norm(h + self.attn(h, h, h, need_weights=False)[0])
        return self.mlp(h.mean(1))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--micro-batch", type=int, default=16)
    ap.add_argument("--accumulate", type=int, default=6)
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=0.01)
    a = ap.parse_args()
    torch.manual_seed(14)
    train = DataLoader(token_lists(1920, 1), a.micro_batch, shuffle=True)
    val = DataLoader(token_lists(500, 2), 250)
    net = PooledAttention()
    opt = torch.optim.SGD(net.parameters(), lr=a.lr, momentum=0.9)
    ce = nn.CrossEntropyLoss()
    for epoch in range(a.epochs):
        net.train()
        opt.zero_grad()
        shown = 0.0
        for i, (toks, label) in enumerate(train, start=1):
            loss = ce(net(toks), label)
            loss.backward()
            shown += loss.item()
            if i % a.accumulate == 0:
                opt.step()
                opt.zero_grad()
        net.eval()
        vloss = right = 0.0
        with torch.no_grad():
            for toks, label in val:
                out = net(toks)
                vloss += ce(out, label).item() / len(val)
                right += (out.argmax(1) == label).sum().item()
        print(f"epoch {epoch} train {shown / len(train):.4f} val {vloss:.4f} acc {right / 500:.3f}")


if __name__ == "__main__":
    main()
