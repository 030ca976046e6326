# Route support tickets to a team from their text (bag of words).
import random
from collections import Counter
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

TEAMS = ["billing", "network", "hardware", "account"]
WORDS = {
    "billing": "invoice refund charge payment card price receipt overcharged subscription tax".split(),
    "network": "wifi router latency vpn packet outage signal dns firewall proxy".split(),
    "hardware": "screen keyboard battery fan laptop printer cable dock noise heat".split(),
    "account": "password login reset email username locked profile signup mfa token".split(),
}
FILLER = "please help the my since yesterday still not working again team hello thanks need when after it is".split()


@dataclass
class Settings:
    tickets: int = 1600
    length: int = 14
    batch: int = 32
    epochs: int = 12
    lr: float = 2e-3
    seed: int = 3


def make_database(cfg, rng):
    """Two tables, as the help desk keeps them: texts by id, and the log of every assignment in time order."""
    texts, log = {}, []
    for tid in range(cfg.tickets):
        team = rng.choice(TEAMS)
        words = [rng.choice(WORDS[team]) if rng.random() < 0.3 else rng.choice(FILLER) for _ in range(cfg.length)]
        words[rng.randrange(cfg.length)] = rng.choice(WORDS[team])
        texts[tid] = " ".join(words)
        if rng.random() < 0.15:  # first sent to somebody else, corrected later
            log.append((tid, rng.choice([t for t in TEAMS if t != team])))
        log.append((tid, team))
    return texts, log


def join(texts, log, ids):
    wanted = set(ids)
    return [(texts[tid], TEAMS.index(team)) for tid, team in log if tid in wanted]


class Tickets(Dataset):
    def __init__(self, rows, vocab):
        self.rows, self.vocab = rows, vocab

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        text, team = self.rows[i]
        return torch.tensor([self.vocab.get(w, 0) for w in text.split()]), team


class Router(nn.Module):
    def __init__(self, vocab_size, dim=24):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, dim)
        self.out = nn.Linear(dim, len(TEAMS))

    def forward(self, tokens):
        return self.out(F.relu(self.emb(tokens).mean(1)))


@torch.no_grad()
def score(model, loader):
    model.eval()
    total, right, n = 0.0, 0, 0
    for tokens, team in loader:
        logits = model(tokens)
        total += F.cross_entropy(logits, team, reduction="sum").item()
        right += (logits.argmax(-1) == team).sum().item()
        n += len(team)
    return total / n, right / n


cfg = Settings()
rng = random.Random(cfg.seed)
torch.manual_seed(cfg.seed)

texts, log = make_database(cfg, rng)
ids = list(texts)
rng.shuffle(ids)
cut = int(0.75 * len(ids))
train_rows = join(texts, log, ids[:cut])
final = dict(log)
valid_rows = [(texts[i], TEAMS.index(final[i])) for i in ids[cut:]]
counts = Counter(w for text, _ in train_rows for w in text.split())
vocab = {w: i + 1 for i, (w, _) in enumerate(counts.most_common())}

train_loader = DataLoader(Tickets(train_rows, vocab), batch_size=cfg.batch, shuffle=True)
valid_loader = DataLoader(Tickets(valid_rows, vocab), batch_size=256)
model = Router(len(vocab) + 1)
opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
for epoch in range(cfg.epochs):
    model.train()
    seen = 0.0
    for tokens, team in train_loader:
        loss = F.cross_entropy(model(tokens), team)
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen += loss.item() * len(team)
    v, acc = score(model, valid_loader)
    print(f"{epoch:02d} train={seen / len(train_rows):.3f} valid={v:.3f} acc={acc:.3f}")
