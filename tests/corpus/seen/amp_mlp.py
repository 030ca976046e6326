"""Mixed precision training of an MLP (float16 autocast with a gradient scaler)."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def teacher_labels(x):
    w = torch.linspace(-1, 1, x.size(1))
    a = (x * w).sum(1)
    b = (x[:, ::2] * x[:, 1::2]).sum(1) / 2
    return (a > 0).long() + 2 * (b > 0).long()


class MLP(nn.Module):
    def __init__(self, d, h, k):
        super().__init__()
        self.fc1 = nn.Linear(d, h)
        self.fc2 = nn.Linear(h, h)
        self.fc3 = nn.Linear(h, k)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def main():
    torch.manual_seed(77)
    x = torch.randn(4000, 8)
    y = teacher_labels(x)
    train_loader = DataLoader(TensorDataset(x[:3200], y[:3200]), batch_size=100, shuffle=True)
    x_val, y_val = x[3200:].to(DEVICE), y[3200:].to(DEVICE)

    model = MLP(8, 64, 4).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    scaler = torch.amp.GradScaler(DEVICE)
    criterion = nn.CrossEntropyLoss()
    max_norm = 5.0

    for epoch in range(8):
        model.train()
        for xb, yb in train_loader:
            xb, yb = xb.to(DEVICE), yb.to(DEVICE)
            optimizer.zero_grad()
            with torch.autocast(DEVICE, dtype=torch.float16):
                loss = criterion(model(xb), yb)
            scaler.scale(loss).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            scaler.step(optimizer)
            scaler.update()
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch}: loss={loss.item():.4f} val_acc={acc:.4f} scale={scaler.get_scale():.0f}")


if __name__ == "__main__":
    main()
