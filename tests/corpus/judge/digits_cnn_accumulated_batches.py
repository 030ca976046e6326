"""Digits CNN with micro-batches of 16 and an effective batch of 64."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

MICRO, ACCUM, EPOCHS = 16, 4, 8


def data(seed=0):
    d = load_digits()
    x = torch.tensor(d.images / 8 - 1, dtype=torch.float32)[:, None]
    y = torch.tensor(d.target)
    tr, va = train_test_split(range(len(y)), test_size=0.2, stratify=y, random_state=seed)
    return (DataLoader(TensorDataset(x[tr], y[tr]), batch_size=MICRO, shuffle=True),
            DataLoader(TensorDataset(x[va], y[va]), batch_size=180))


def main():
    torch.manual_seed(0)
    train, valid = data()
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10))
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        opt.zero_grad()
        pending, total = 0, 0.0
        for i, (x, y) in enumerate(train):
            loss = loss_fn(model(x), y)
            (loss / ACCUM).backward()
            total += loss.item()
            pending += 1
            if pending == ACCUM or i + 1 == len(train):
                opt.step()
                opt.zero_grad()
                pending = 0
        model.eval()
        with torch.inference_mode():
            out = torch.cat([model(x) for x, _ in valid])
            y = torch.cat([t for _, t in valid])
        print(f"{epoch}: train {total / len(train):.3f} valid {loss_fn(out, y).item():.3f} acc {(out.argmax(1) == y).float().mean():.3f}")


if __name__ == "__main__":
    main()
