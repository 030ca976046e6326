"""MLP on the digits, tuned for small weights. Logs to a list of rows, prints a table at the end."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

PARAMS = dict(width=96, lr=2e-3, weight_decay=0.1, epochs=24, batch_size=64, seed=31)


def tensors(seed):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32)
    x = (x - x.mean()) / x.std()
    tr, va = train_test_split(torch.arange(len(y)), test_size=0.2, stratify=y, random_state=seed)
    y = torch.tensor(y)
    return x[tr], y[tr], x[va], y[va]


class DigitMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stack = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.logits = nn.Linear(width, 10)

    def forward(self, x):
        return self.logits(self.stack(x))


def main(width, lr, weight_decay, epochs, batch_size, seed):
    torch.manual_seed(seed)
    x_tr, y_tr, x_va, y_va = tensors(seed)
    model = DigitMLP(width)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    rows = []
    for epoch in range(1, epochs + 1):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(x_tr)).split(batch_size):
            optimizer.zero_grad()
            loss = loss_fn(model(x_tr[idx]), y_tr[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(x_va)
            rows.append((epoch, running / len(x_tr), loss_fn(out, y_va).item(),
                         (out.argmax(1) == y_va).float().mean().item()))
    print("epoch  train   valid   acc")
    for row in rows[::2] + rows[-1:]:
        print("%5d  %.4f  %.4f  %.3f" % row)


if __name__ == "__main__":
    main(**PARAMS)
