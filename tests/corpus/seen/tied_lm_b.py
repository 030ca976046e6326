import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(61)

VOCAB, CONTEXT, DIM = 60, 16, 128


def grammar_tokens(n, seed):
    """Markov chain with three likely successors for each token."""
    g = torch.Generator().manual_seed(seed)
    succ = torch.stack([torch.randperm(VOCAB, generator=torch.Generator().manual_seed(k))[:3] for k in range(VOCAB)])
    out = [0]
    pick = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), n, replacement=True, generator=g)
    for p in pick.tolist():
        out.append(int(succ[out[-1], p]))
    return torch.tensor(out)


class Block(nn.Module):
    def __init__(self, d, heads=4):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x, mask):
        h = self.ln1(x)
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.ff(self.ln2(x))


class MiniGPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, DIM)
        self.pos = nn.Embedding(CONTEXT, DIM)
        self.block = Block(DIM)
        self.ln = nn.LayerNorm(DIM)
        self.out = nn.Linear(DIM, VOCAB, bias=False)
        self.out.weight = self.tok.weight
        self.register_buffer("mask", torch.triu(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool), 1))

    def forward(self, idx):
        x = self.tok(idx) + self.pos.weight[: idx.size(1)]
        return self.out(self.ln(self.block(x, self.mask)))


def batch(tokens, n=24):
    at = torch.randint(len(tokens) - CONTEXT - 1, (n,))
    w = torch.stack([tokens[a:a + CONTEXT + 1] for a in at])
    return w[:, :-1], w[:, 1:]


train, valid = grammar_tokens(12000, 1), grammar_tokens(2000, 2)
model = MiniGPT()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
for step in range(1, 181):
    model.train()
    x, y = batch(train)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    opt.step()
    if step % 45 == 0:
        model.eval()
        with torch.no_grad():
            x, y = batch(valid, 100)
            v = F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
        print(f"step {step}: train {loss.item():.3f} valid {v:.3f}")
