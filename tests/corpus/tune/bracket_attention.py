"""Self-attention classifier: is the first symbol repeated later in the sequence?"""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make(n, seed, length=10, vocab=14):
    g = torch.Generator().manual_seed(seed)
    s = torch.randint(1, vocab, (n, length), generator=g)
    first = s[:, :1]
    s[:, 1:] = torch.where(s[:, 1:] == first, (s[:, 1:] % (vocab - 1)) + 1, s[:, 1:])
    y = torch.randint(0, 2, (n,), generator=g)
    where = torch.randint(1, length, (n,), generator=g)
    rows = torch.arange(n)
    s[rows, where] = torch.where(y == 1, first[:, 0], s[rows, where])
    return TensorDataset(s, y)


class SelfAttention(nn.Module):
    def __init__(self, dim, heads=2, dropout=0.1):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout)
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = SelfAttention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class Classifier(nn.Module):
    def __init__(self, vocab=14, dim=32, length=10):
        super().__init__()
        self.tok = nn.Embedding(vocab, dim)
        self.pos = nn.Parameter(0.1 * torch.randn(length, dim))
        self.blocks = nn.Sequential(Block(dim), Block(dim))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, 2)

    def forward(self, s):
        h = self.blocks(self.tok(s) + self.pos)
        return self.out(self.norm(h)[:, 0])


def main():
    torch.manual_seed(12)
    train = DataLoader(make(3000, 0), batch_size=50, shuffle=True)
    val = DataLoader(make(600, 1), batch_size=300)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(9):
        model.train()
        for s, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(s), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            res = [(model(s), y) for s, y in val]
        z, y = torch.cat([r[0] for r in res]), torch.cat([r[1] for r in res])
        print(f"epoch {epoch} val loss {F.cross_entropy(z, y).item():.3f} acc {(z.argmax(1) == y).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
