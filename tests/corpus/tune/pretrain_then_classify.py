"""Three stages: an autoencoder on all pixels, a classifier on the frozen encoder, then everything at a small rate."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
d = load_digits()
X = torch.tensor(d.data / 16.0, dtype=torch.float32)
Y = torch.tensor(d.target)
tr, va = train_test_split(range(len(Y)), test_size=0.25, stratify=d.target, random_state=9)
train_dl = DataLoader(TensorDataset(X[tr], Y[tr]), batch_size=32, shuffle=True)
valid_dl = DataLoader(TensorDataset(X[va], Y[va]), batch_size=225)

encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32), nn.ReLU())
decoder = nn.Sequential(nn.Linear(32, 96), nn.ReLU(), nn.Linear(96, 64), nn.Sigmoid())
head = nn.Linear(32, 10)


def run(stage, parameters, lr, loss_of, epochs):
    parameters = list(parameters)
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for epoch in range(epochs):
        total = n = 0
        for x, y in train_dl:
            optimizer.zero_grad()
            loss = loss_of(x, y)
            loss.backward()
            optimizer.step()
            total, n = total + loss.item() * len(y), n + len(y)
        with torch.no_grad():
            valid = sum(loss_of(x, y).item() * len(y) for x, y in valid_dl) / len(va)
        print(f"{stage} {epoch}: train {total / n:.4f} valid {valid:.4f}")


def reconstruction(x, y):
    return F.mse_loss(decoder(encoder(x)), x)


def probe(x, y):
    with torch.no_grad():
        z = encoder(x)
    return F.cross_entropy(head(z), y)


def full(x, y):
    return F.cross_entropy(head(encoder(x)), y)


run("autoencoder", [*encoder.parameters(), *decoder.parameters()], 2e-3, reconstruction, 8)
run("probe", head.parameters(), 1e-2, probe, 5)
run("fine-tune", [*encoder.parameters(), *head.parameters()], 1e-3, full, 6)
with torch.no_grad():
    print("accuracy", sum((head(encoder(x)).argmax(1) == y).sum().item() for x, y in valid_dl) / len(va))
