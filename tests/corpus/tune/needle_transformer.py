import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

PAD, VOCAB, MAXLEN, CLASSES = 0, 30, 14, 4


class Needle(Dataset):
    """Each sequence holds one of four marker tokens; the class is the marker."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.rows = []
        for _ in range(n):
            length = int(torch.randint(6, MAXLEN - 1, (1,), generator=g))
            seq = torch.randint(5, VOCAB, (length,), generator=g)
            label = int(torch.randint(0, CLASSES, (1,), generator=g))
            seq[int(torch.randint(0, length, (1,), generator=g))] = 1 + label
            self.rows.append((seq, label))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    tokens = torch.full((len(rows), MAXLEN), PAD)
    for i, (seq, _) in enumerate(rows):
        tokens[i, :len(seq)] = seq
    return tokens, torch.tensor([lab for _, lab in rows])


class Encoder(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(torch.randn(MAXLEN, d) * 0.02)
        self.attn = nn.MultiheadAttention(d, 4, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, d))
        self.query = nn.Parameter(torch.randn(1, 1, d) * 0.1)
        self.head = nn.Linear(d, CLASSES)

    def forward(self, tokens):
        mask = tokens != PAD
        x = self.tok(tokens) + self.pos
        q = self.query.expand(len(tokens), -1, -1)
        pooled, _ = self.attn(q, x, x, key_padding_mask=mask, need_weights=False)
        h = self.norm1(pooled.squeeze(1))
        h = self.norm2(h + self.ff(h))
        return self.head(h)


def main():
    torch.manual_seed(13)
    train_dl = DataLoader(Needle(3000, 1), batch_size=64, shuffle=True, collate_fn=collate)
    test_dl = DataLoader(Needle(1000, 2), batch_size=250, collate_fn=collate)
    model = Encoder()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        tot = 0.0
        for tokens, labels in train_dl:
            opt.zero_grad()
            loss = loss_fn(model(tokens), labels)
            loss.backward()
            opt.step()
            tot += loss.item()
        model.eval()
        good = 0
        with torch.no_grad():
            for tokens, labels in test_dl:
                good += (model(tokens).argmax(1) == labels).sum().item()
        print(f"epoch {epoch} loss {tot / len(train_dl):.4f} acc {good / 1000:.3f}")


if __name__ == "__main__":
    main()
