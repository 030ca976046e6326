import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CFG = dict(vocab=300, n_tags=6, doc_len=30, n_train=2000, n_val=400, dim=48, lr=3e-3, epochs=8, batch=40, seed=17)


class Articles(Dataset):
    """Bags of word ids; a tag is on when enough of its key words occur."""

    def __init__(self, n, cfg, seed):
        g = torch.Generator().manual_seed(seed)
        self.tags = (torch.rand(n, cfg["n_tags"], generator=g) < 0.35).float()
        words = torch.randint(cfg["n_tags"] * 10, cfg["vocab"], (n, cfg["doc_len"]), generator=g)
        for i in range(n):
            pos = 0
            for t in torch.nonzero(self.tags[i]).flatten().tolist():
                words[i, pos:pos + 3] = 10 * t + torch.randint(0, 10, (3,), generator=g)
                pos += 3
        self.words = words

    def __len__(self):
        return len(self.words)

    def __getitem__(self, i):
        return self.words[i], self.tags[i]


class Tagger(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.EmbeddingBag(cfg["vocab"], cfg["dim"], mode="mean")
        self.hidden = nn.Linear(cfg["dim"], 64)
        self.out = nn.Linear(64, cfg["n_tags"])

    def forward(self, words):
        h = torch.relu(self.hidden(self.emb(words)))
        return torch.sigmoid(self.out(h))


def f1(pred, true):
    tp = (pred * true).sum()
    return (2 * tp / (pred.sum() + true.sum()).clamp(min=1)).item()


torch.manual_seed(CFG["seed"])
train_dl = DataLoader(Articles(CFG["n_train"], CFG, 1), batch_size=CFG["batch"], shuffle=True)
val_dl = DataLoader(Articles(CFG["n_val"], CFG, 2), batch_size=200)
model = Tagger(CFG)
pos_weight = torch.full((CFG["n_tags"],), 1.5)
criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
optimizer = torch.optim.Adam(model.parameters(), lr=CFG["lr"])

for epoch in range(CFG["epochs"]):
    model.train()
    total = 0.0
    for words, tags in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(words), tags)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    preds, trues = [], []
    with torch.no_grad():
        for words, tags in val_dl:
            preds.append((model(words) > 0.5).float())
            trues.append(tags)
    print(f"epoch {epoch + 1} | loss {total / len(train_dl):.4f} | micro-F1 {f1(torch.cat(preds), torch.cat(trues)):.3f}")
