"""Sentiment of short reviews with an LSTM."""
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(0)
torch.manual_seed(0)

VOCAB, LENGTH = 150, 10
PAD = 0
word_mood = torch.randn(VOCAB)
word_mood[PAD] = 0


def reviews(n):
    tokens = torch.randint(1, VOCAB, (n, LENGTH))
    score = word_mood[tokens].sum(1) / LENGTH ** 0.5
    label = (score + 0.5 * torch.randn(n) > 0).long()
    return TensorDataset(tokens, label)


train_set, valid_set = reviews(700), reviews(600)
train_loader = DataLoader(train_set, batch_size=25, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=200)


class ReviewLSTM(nn.Module):
    def __init__(self, dim=48, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.classify = nn.Linear(2 * hidden, 2)

    def forward(self, tokens):
        states, _ = self.lstm(self.embed(tokens))
        return self.classify(states.mean(1))


model = ReviewLSTM()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(1, 15):
    model.train()
    loss_sum = 0.0
    for tokens, label in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(tokens), label)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(label)
    model.eval()
    val_sum, hits = 0.0, 0
    with torch.no_grad():
        for tokens, label in valid_loader:
            logits = model(tokens)
            val_sum += criterion(logits, label).item() * len(label)
            hits += (logits.argmax(1) == label).sum().item()
    print(f"epoch {epoch}: train {loss_sum / len(train_set):.3f} valid {val_sum / len(valid_set):.3f} acc {hits / len(valid_set):.3f}")
