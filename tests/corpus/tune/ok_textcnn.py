import argparse, random
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

p = argparse.ArgumentParser()
p.add_argument("--epochs", type=int, default=4)
p.add_argument("--kernels", type=int, nargs="+", default=[2, 3, 4])
cfg = p.parse_args()
random.seed(0); torch.manual_seed(0)
POS, NEG, NEU = "good great superb fun lovely".split(), "bad awful dull boring poor".split(), "the a film plot actor scene it was and with very".split()
def sentence(label):
    n = random.randint(5, 14)
    w = [random.choice(NEU) for _ in range(n)]
    for _ in range(random.randint(1, 3)):
        w[random.randrange(n)] = random.choice(POS if label else NEG)
    return w
data = [(sentence(i % 2), i % 2) for i in range(1600)]
random.shuffle(data)
itos = ["<pad>"] + sorted({w for s, _ in data for w in s}); stoi = {w: i for i, w in enumerate(itos)}


class TextCNN(nn.Module):
    def __init__(self, vocab, dim=24, kernels=(2, 3, 4), maps=16):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(dim, maps, k) for k in kernels)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(maps * len(kernels), 1)
    def forward(self, ids):
        h = self.emb(ids).transpose(1, 2)
        h = torch.cat([F.relu(c(h)).max(-1).values for c in self.convs], 1)
        return self.fc(self.drop(h)).squeeze(1)


def batches(rows, size, shuffle):
    order = list(range(len(rows)))
    if shuffle:
        random.shuffle(order)
    for i in range(0, len(order), size):
        part = [rows[j] for j in order[i:i + size]]
        yield pad_sequence([torch.tensor([stoi[w] for w in s]) for s, _ in part], batch_first=True), torch.tensor([float(y) for _, y in part])


train_rows, dev_rows = data[:1300], data[1300:]
model = TextCNN(len(itos), kernels=cfg.kernels)
optim = torch.optim.Adam(model.parameters(), 2e-3)
for epoch in range(cfg.epochs):
    model.train()
    for ids, y in batches(train_rows, 32, True):
        optim.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(ids), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 3.0)
        optim.step()
    model.eval()
    with torch.no_grad():
        hit = sum(((model(ids) > 0).float() == y).sum().item() for ids, y in batches(dev_rows, 64, False))
    print(f"epoch {epoch} loss {loss.item():.3f} dev acc {hit / len(dev_rows):.3f}")
