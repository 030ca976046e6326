import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

SEED = 12
random.seed(SEED)
torch.manual_seed(SEED)
VOCAB = 100
TOPIC_WORDS = {0: range(1, 25), 1: range(20, 45), 2: range(40, 65)}


def document():
    topic = random.randrange(3)
    n = random.randint(4, 16)
    words = [random.choice(TOPIC_WORDS[topic]) if random.random() < 0.4 else random.randrange(65, VOCAB) for _ in range(n)]
    return torch.tensor(words), topic


def collate(items):
    seqs, labels = zip(*items)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, torch.tensor(labels)


class TopicLSTM(nn.Module):
    def __init__(self, emb=32, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.classify = nn.Linear(2 * hidden, 3)

    def forward(self, seqs, lengths):
        packed = pack_padded_sequence(self.embedding(seqs), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.classify(self.dropout(torch.cat([h[0], h[1]], dim=1)))


train_loader = DataLoader([document() for _ in range(1500)], batch_size=50, shuffle=True, collate_fn=collate)
dev_loader = DataLoader([document() for _ in range(300)], batch_size=100, collate_fn=collate)
model = TopicLSTM()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    total = 0.0
    for seqs, lengths, labels in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(seqs, lengths), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        right = sum((model(s, n).argmax(1) == t).sum().item() for s, n, t in dev_loader)
    print(f"epoch {epoch}: loss {total / len(train_loader):.3f} dev acc {right / 300:.3f}")
