import copy

import torch
from torch import nn
from torch.nn import functional as F
from sklearn.datasets import load_digits

torch.manual_seed(21)

digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).flatten(1) / 16
y = torch.tensor(digits.target)
perm = torch.randperm(len(x))
x, y = x[perm], y[perm]
x_train, y_train, x_val, y_val = x[:1400], y[:1400], x[1400:], y[1400:]


class Denoiser(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, width), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(width, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, inp):
        return self.decoder(self.encoder(inp))


class Classifier(nn.Module):
    def __init__(self, encoder, width=64):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(width, 10)

    def forward(self, inp):
        return self.head(self.encoder(inp))


def batches(n, size):
    for chunk in torch.randperm(n).split(size):
        yield chunk


def pretrain(model, epochs):
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        total = 0
        for idx in batches(len(x_train), 64):
            clean = x_train[idx]
            noisy = clean + 0.2 * torch.randn_like(clean)
            opt.zero_grad()
            loss = F.mse_loss(model(noisy), clean)
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"pretrain {epoch}: {total / len(x_train):.4f}")


def fine_tune(model, epochs):
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        model.train()
        total = 0
        for idx in batches(len(x_train), 64):
            opt.zero_grad()
            logits = model(x_train[idx])
            loss = F.cross_entropy(logits, y_train[idx])
            opt.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean()
        print(f"finetune {epoch}: loss {total / len(x_train):.4f} val acc {acc:.4f}")


if __name__ == "__main__":
    ae = Denoiser()
    pretrain(ae, 10)
    clf = Classifier(copy.deepcopy(ae.encoder))
    fine_tune(clf, 10)
