"""Tagging of variable-length sequences: packed LSTM, padding ignored in the loss."""
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

STATES, SYMBOLS, IGNORE = 3, 9, -100


class Weather(Dataset):
    """Symbols seen from a hidden weather state that tends to persist."""

    emit = [[6, 4, 3, 1, 0.5, 0, 0, 0, 0.5], [0.5, 0, 1, 4, 6, 4, 1, 0, 0], [0, 0.5, 0, 0, 1, 1, 4, 6, 4]]

    def __init__(self, n, seed):
        rnd = random.Random(seed)
        self.items = []
        for _ in range(n):
            state = rnd.randrange(STATES)
            symbols, states = [], []
            for _ in range(rnd.randint(8, 20)):
                if rnd.random() < 0.15:
                    state = rnd.randrange(STATES)
                states.append(state)
                symbols.append(rnd.choices(range(SYMBOLS), self.emit[state])[0])
            self.items.append((torch.tensor(symbols), torch.tensor(states)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    symbols, states = zip(*batch)
    lengths = torch.tensor([len(s) for s in symbols])
    return (
        pad_sequence(symbols, batch_first=True, padding_value=SYMBOLS),
        lengths,
        pad_sequence(states, batch_first=True, padding_value=IGNORE),
    )


class BiLSTMTagger(nn.Module):
    def __init__(self, dim=12, hidden=20):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 1, dim, padding_idx=SYMBOLS)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(2 * hidden, STATES)

    def forward(self, symbols, lengths):
        packed = pack_padded_sequence(self.embedding(symbols), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.tag(out)


def evaluate(model, loader):
    model.eval()
    hit = n = 0
    with torch.no_grad():
        for symbols, lengths, states in loader:
            keep = states != IGNORE
            hit += (model(symbols, lengths).argmax(-1)[keep] == states[keep]).sum().item()
            n += keep.sum().item()
    return hit / n


def main():
    torch.manual_seed(48)
    train = DataLoader(Weather(900, 1), batch_size=36, shuffle=True, collate_fn=collate)
    test = DataLoader(Weather(250, 2), batch_size=125, collate_fn=collate)
    model = BiLSTMTagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=IGNORE)
    for epoch in range(5):
        model.train()
        total = 0.0
        for symbols, lengths, states in train:
            optimizer.zero_grad()
            scores = model(symbols, lengths)
            loss = criterion(scores.reshape(-1, STATES), states.reshape(-1))
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / len(train):.3f}, token accuracy {evaluate(model, test):.3f}")


if __name__ == "__main__":
    main()
