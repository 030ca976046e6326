"""Part-of-speech style tagging with a bidirectional LSTM on an invented language."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

WORDS, TAGS, STEPS = 50, 5, 10


def sentences(n, seed):
    g = torch.Generator().manual_seed(seed)
    w = torch.randint(0, WORDS, (n, STEPS), generator=g)
    base = w % TAGS
    prev = torch.roll(w, 1, dims=1)
    prev[:, 0] = 0
    # every seventh word takes its tag from the word before it
    tags = torch.where(w % 7 == 0, (prev + 1) % TAGS, base)
    return TensorDataset(w, tags)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lookup = nn.Embedding(WORDS, 20)
        self.lstm = nn.LSTM(20, 24, batch_first=True, bidirectional=True)
        self.score = nn.Linear(48, TAGS)

    def forward(self, words):
        states, _ = self.lstm(self.lookup(words))
        return F.log_softmax(self.score(states), dim=1)


def tag_loss(log_probs, tags):
    return F.nll_loss(log_probs.reshape(-1, TAGS), tags.reshape(-1))


torch.manual_seed(4)
train_loader = DataLoader(sentences(1200, 0), batch_size=40, shuffle=True)
dev_loader = DataLoader(sentences(300, 1), batch_size=150)
tagger = Tagger()
opt = torch.optim.AdamW(tagger.parameters(), lr=4e-3)

for epoch in range(8):
    tagger.train()
    for words, tags in train_loader:
        opt.zero_grad()
        loss = tag_loss(tagger(words), tags)
        loss.backward()
        nn.utils.clip_grad_norm_(tagger.parameters(), 5.0)
        opt.step()
    tagger.eval()
    correct, dev = 0, 0.0
    with torch.no_grad():
        for words, tags in dev_loader:
            lp = tagger(words)
            dev += tag_loss(lp, tags).item() / len(dev_loader)
            correct += (lp.argmax(-1) == tags).sum().item()
    print(f"epoch {epoch} dev {dev:.3f} tag accuracy {correct / (300 * STEPS):.3f}")
