import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
d = load_digits()
X = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
Y = torch.tensor(d.target)
train_classes, test_classes = [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]


def conv_block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))


encoder = nn.Sequential(conv_block(1, 16), conv_block(16, 32), nn.Flatten())


def episode(classes, n_way=3, k=5, q=10):
    cs = torch.tensor(classes)[torch.randperm(len(classes))[:n_way]]
    support, query = [], []
    for c in cs:
        idx = (Y == c).nonzero().flatten()
        idx = idx[torch.randperm(len(idx))[: k + q]]
        support.append(X[idx[:k]])
        query.append(X[idx[k:]])
    return torch.cat(support), torch.cat(query), torch.arange(n_way).repeat_interleave(q)


def logits(s, q, n_way=3):
    z = encoder(torch.cat([s, q]))
    protos = z[: len(s)].view(n_way, -1, z.shape[-1]).mean(1)
    return -torch.cdist(z[len(s):], protos).pow(2)


opt = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for it in range(120):
    encoder.train()
    s, q, t = episode(train_classes)
    loss = F.cross_entropy(logits(s, q), t)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 30 == 29:
        with torch.no_grad():
            acc = sum((logits(s, q).argmax(1) == t).float().mean().item() for s, q, t in (episode(test_classes) for _ in range(10))) / 10
        print(it, loss.item(), acc)
