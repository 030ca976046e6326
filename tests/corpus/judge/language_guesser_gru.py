"""GRU that tells which of four made-up languages a word comes from; curves are kept for a plot."""
import random
from collections import defaultdict

import torch
from torch import nn

SYLLABLES = {
    "ana": ["ka", "ro", "mi", "lu", "ta", "ne"],
    "bor": ["gr", "do", "sk", "ul", "ka", "ek"],
    "cel": ["ea", "ll", "yn", "mi", "wy", "th"],
    "dun": ["zu", "do", "ba", "lu", "xo", "ne"],
}
LANGS = list(SYLLABLES)
ALPHABET = sorted({c for s in SYLLABLES.values() for t in s for c in t})
INDEX = {c: i + 1 for i, c in enumerate(ALPHABET)}
MAXLEN = 10


def words(n, rng, seen):
    xs, ys = [], []
    while len(ys) < n:
        k = rng.randrange(len(LANGS))
        w = "".join(rng.choice(SYLLABLES[LANGS[k]]) for _ in range(rng.randint(3, 5)))
        if w in seen:                       # every word once, over all parts
            continue
        seen.add(w)
        ids = [INDEX[c] for c in w][:MAXLEN]
        xs.append(ids + [0] * (MAXLEN - len(ids)))
        ys.append(k)
    return torch.tensor(xs), torch.tensor(ys)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET) + 1, 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.fc = nn.Linear(32, len(LANGS))

    def forward(self, x):
        _, h = self.gru(self.emb(x))
        return self.fc(h[-1])


def main():
    rng = random.Random(10)
    torch.manual_seed(10)
    seen = set()
    x_tr, y_tr = words(2000, rng, seen)
    x_va, y_va = words(500, rng, seen)
    model = Classifier()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    crit = nn.CrossEntropyLoss()
    curves = defaultdict(list)

    def step(x, y):
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        opt.step()
        return loss

    for epoch in range(6):
        model.train()
        for idx in torch.randperm(len(x_tr)).split(40):
            curves["train"].append(step(x_tr[idx], y_tr[idx]))
        model.eval()
        with torch.no_grad():
            out = model(x_va)
            curves["valid"].append(crit(out, y_va).item())
            curves["acc"].append((out.argmax(1) == y_va).float().mean().item())
        last = curves["train"][-50:]
        print(f"epoch {epoch + 1} train {torch.stack(last).mean().item():.3f} valid {curves['valid'][-1]:.3f} acc {curves['acc'][-1]:.3f}")


if __name__ == "__main__":
    main()
