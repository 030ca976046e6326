"""Tag every token of a small generated language with its role (BiLSTM)."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

ROLES = ["det", "adj", "noun", "verb", "adv"]
LEXICON = {
    "det": ["the", "a", "this"],
    "adj": ["red", "old", "light", "clean", "warm"],
    "noun": ["dog", "light", "run", "walk", "house", "play"],
    "verb": ["run", "walk", "play", "light", "clean", "warm"],
    "adv": ["fast", "often", "here", "early"],
}
PATTERNS = [
    ["det", "noun", "verb", "adv"],
    ["det", "adj", "noun", "verb", "det", "noun"],
    ["det", "noun", "adv", "verb", "det", "adj", "noun"],
    ["det", "adj", "adj", "noun", "verb", "adv"],
]
WORDS = sorted({w for ws in LEXICON.values() for w in ws})
WORD_ID = {w: i + 1 for i, w in enumerate(WORDS)}
MAX_LEN = 14


class Sentences(Dataset):
    def __init__(self, n, seed):
        rnd = random.Random(seed)
        self.items = []
        for _ in range(n):
            roles = rnd.choice(PATTERNS) + rnd.choice(PATTERNS)
            words = [rnd.choice(LEXICON[r]) for r in roles]
            pad = MAX_LEN - len(roles)
            self.items.append((
                torch.tensor([WORD_ID[w] for w in words] + [0] * pad),
                torch.tensor([ROLES.index(r) for r in roles] + [-100] * pad),
            ))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS) + 1, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 16, batch_first=True, bidirectional=True)
        self.project = nn.Linear(32, len(ROLES))

    def forward(self, ids):
        h, _ = self.lstm(self.embed(ids))
        return self.project(h)


def main():
    torch.manual_seed(2)
    train = DataLoader(Sentences(800, 0), batch_size=20, shuffle=True)
    test = DataLoader(Sentences(200, 1), batch_size=100)
    tagger = Tagger()
    optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-2)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(6):
        tagger.train()
        for ids, tags in train:
            optimizer.zero_grad()
            scores = tagger(ids)
            loss = criterion(scores.flatten(0, 1), tags.flatten())
            loss.backward()
            optimizer.step()
            decay.step()
        tagger.eval()
        right = count = 0
        with torch.no_grad():
            for ids, tags in test:
                mask = tags != -100
                right += (tagger(ids).argmax(-1)[mask] == tags[mask]).sum().item()
                count += mask.sum().item()
        print(f"epoch {epoch + 1} | loss {loss.item():.4f} | token accuracy {right / count:.3f}")


if __name__ == "__main__":
    main()
