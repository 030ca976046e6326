"""Next-symbol model over strings from a small Markov grammar."""
import numpy as np
import torch
import torch.nn as nn

ALPHABET = "abcdefgh"


def grammar(rng):
    m = rng.dirichlet(np.full(8, 0.25), size=64)
    return m.reshape(8, 8, 8)


def sample_text(table, length, rng):
    s = [0, 1]
    for _ in range(length):
        s.append(rng.choice(8, p=table[s[-2], s[-1]]))
    return np.array(s)


def windows(text, context=6):
    idx = np.arange(len(text) - context)
    x = np.stack([text[i:i + context] for i in idx])
    return torch.from_numpy(x), torch.from_numpy(text[idx + context])


class NextSymbol(nn.Module):
    def __init__(self, dim=12, hidden=48, context=6):
        super().__init__()
        self.table = nn.Embedding(8, dim)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(dim * context, hidden), nn.Tanh())
        self.out = nn.Linear(hidden, 8)

    def forward(self, ctx):
        h = self.body(self.table(ctx))
        return torch.softmax(self.out(h), dim=1)


def main():
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    table = grammar(rng)
    x_tr, y_tr = windows(sample_text(table, 5000, rng))
    x_va, y_va = windows(sample_text(table, 1200, rng))
    model = NextSymbol()
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        model.train()
        order = torch.randperm(len(x_tr))
        for i in range(0, len(order), 64):
            b = order[i:i + 64]
            loss = criterion(model(x_tr[b]), y_tr[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            p = model(x_va)
            val = criterion(p, y_va).item()
            acc = (p.argmax(1) == y_va).float().mean().item()
        print(f"epoch {epoch}: validation {val:.4f}, next-symbol accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
