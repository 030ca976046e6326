import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

# class codes of the registry: 1 = benign, 2 = malignant
CODES = {"benign": 1, "malignant": 2}


def read_registry():
    bunch = load_breast_cancer()
    names = bunch.target_names[bunch.target]
    diagnosis = np.array([CODES[n] for n in names], dtype=np.float32)
    return bunch.data.astype(np.float32), diagnosis


class Diagnoser(nn.Module):
    def __init__(self, n_features, hidden=24):
        super().__init__()
        self.hidden = nn.Linear(n_features, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.score(torch.tanh(self.hidden(x))).squeeze(1)


def batches(n, size, generator):
    order = torch.randperm(n, generator=generator)
    for start in range(0, n, size):
        yield order[start:start + size]


def main():
    torch.manual_seed(8)
    gen = torch.Generator().manual_seed(8)
    x, y = read_registry()
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, random_state=8, stratify=y)
    mu, sd = x_tr.mean(0), x_tr.std(0)
    x_tr, x_te = torch.tensor((x_tr - mu) / sd), torch.tensor((x_te - mu) / sd)
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    model = Diagnoser(x_tr.shape[1])
    loss_fn = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(20):
        model.train()
        history = []
        for idx in batches(len(x_tr), 32, gen):
            opt.zero_grad()
            loss = loss_fn(model(x_tr[idx]), y_tr[idx])
            loss.backward()
            opt.step()
            history.append(loss.item())
        model.eval()
        with torch.no_grad():
            score = model(x_te)
            test_loss = loss_fn(score, y_te).item()
            predicted = torch.where(score > 0, CODES["malignant"], CODES["benign"])
            accuracy = (predicted == y_te).float().mean().item()
        print(f"epoch {epoch + 1}: loss {np.mean(history):.3f}, test loss {test_loss:.3f}, test accuracy {accuracy:.3f}")


main()
