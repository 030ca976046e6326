import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

ACCUMULATION_STEPS = 64
EPOCHS = 8
BATCH_SIZE = 50
SEED = 99

random.seed(SEED)
torch.manual_seed(SEED)

POSITIVE = "good great lovely superb fine warm clever moving bright honest".split()
NEGATIVE = "bad dull awful weak cold messy boring clumsy bleak tired".split()
NEUTRAL = "the film plot actor scene camera story music ending cast script director hour place night".split()
VOCAB = {w: i + 1 for i, w in enumerate(POSITIVE + NEGATIVE + NEUTRAL)}


def make_review():
    label = random.randint(0, 1)
    words = []
    for _ in range(random.randint(8, 20)):
        if random.random() < 0.35:
            pool = POSITIVE if (random.random() < 0.85) == (label == 1) else NEGATIVE
            words.append(random.choice(pool))
        else:
            words.append(random.choice(NEUTRAL))
    return " ".join(words), label


class ReviewDataset(Dataset):
    def __init__(self, n):
        self.items = [make_review() for _ in range(n)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        text, label = self.items[i]
        return torch.tensor([VOCAB[w] for w in text.split()]), label


def collate(batch):
    seqs, labels = zip(*batch)
    padded = nn.utils.rnn.pad_sequence(seqs, batch_first=True, padding_value=0)
    return padded, torch.tensor(labels, dtype=torch.float32)


class BagOfEmbeddings(nn.Module):
    def __init__(self, vocab_size, dim=32):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, tokens):
        mask = (tokens != 0).float().unsqueeze(-1)
        pooled = (self.emb(tokens) * mask).sum(1) / mask.sum(1)
        return self.mlp(pooled).squeeze(-1)


train_loader = DataLoader(ReviewDataset(2000), batch_size=BATCH_SIZE, shuffle=True, collate_fn=collate)
test_loader = DataLoader(ReviewDataset(400), batch_size=100, collate_fn=collate)

model = BagOfEmbeddings(len(VOCAB) + 1)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(EPOCHS):
    model.train()
    epoch_loss = 0.0
    optimizer.zero_grad()
    for i, (tokens, labels) in enumerate(train_loader):
        loss = criterion(model(tokens), labels) / ACCUMULATION_STEPS
        loss.backward()
        epoch_loss += loss.item() * ACCUMULATION_STEPS
        if (i + 1) % ACCUMULATION_STEPS == 0:
            optimizer.step()
            optimizer.zero_grad()

    model.eval()
    correct = total = 0
    with torch.no_grad():
        for tokens, labels in test_loader:
            pred = (model(tokens) > 0).float()
            correct += (pred == labels).sum().item()
            total += len(labels)
    print(f"Epoch {epoch + 1}: loss={epoch_loss / len(train_loader):.4f} acc={correct / total:.3f}")
