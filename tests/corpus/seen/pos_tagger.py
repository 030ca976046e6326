import random
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

random.seed(1)
torch.manual_seed(1)
N_WORDS, N_TAGS, PAD = 80, 6, 0
base_tag = [random.randrange(N_TAGS) for _ in range(N_WORDS)]


def sentence():
    words = [random.randrange(1, N_WORDS) for _ in range(random.randint(5, 14))]
    tags, prev = [], 0
    for w in words:
        # some words change their tag after a tag 2
        t = (base_tag[w] + 1) % N_TAGS if prev == 2 and w % 3 == 0 else base_tag[w]
        tags.append(t)
        prev = t
    return torch.tensor(words), torch.tensor(tags)


def batches(sents, size, shuffle):
    sents = list(sents)
    if shuffle:
        random.shuffle(sents)
    for i in range(0, len(sents), size):
        ws, ts = zip(*sents[i:i + size])
        yield pad_sequence(ws, batch_first=True), pad_sequence(ts, batch_first=True, padding_value=-100)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(N_WORDS, 24, padding_idx=PAD)
        self.rnn = nn.LSTM(24, 32, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(64, N_TAGS)

    def forward(self, w):
        h, _ = self.rnn(self.emb(w))
        return self.proj(h).softmax(dim=-1)


train = [sentence() for _ in range(700)]
dev = [sentence() for _ in range(150)]
tagger = Tagger()
optimizer = torch.optim.Adam(tagger.parameters(), lr=5e-3)
criterion = nn.NLLLoss(ignore_index=-100)

for epoch in range(1, 9):
    tagger.train()
    for w, t in batches(train, 32, shuffle=True):
        optimizer.zero_grad()
        out = tagger(w)
        loss = criterion(out.reshape(-1, N_TAGS), t.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(tagger.parameters(), 5.0)
        optimizer.step()
    tagger.eval()
    right = total = 0
    with torch.no_grad():
        for w, t in batches(dev, 64, shuffle=False):
            keep = t != -100
            right += (tagger(w).argmax(-1)[keep] == t[keep]).sum().item()
            total += keep.sum().item()
    print(f"epoch {epoch}: dev accuracy {right / total:.3f}")
