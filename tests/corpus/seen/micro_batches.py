"""Glyph classifier; an effective batch of 64 is built from micro-batches of 16."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

MICRO, STEPS_PER_UPDATE = 16, 4


def glyphs(n, seed, kinds=10, side=9):
    base = torch.Generator().manual_seed(1234)
    proto = (torch.rand(kinds, 1, side, side, generator=base) > 0.55).float()
    g = torch.Generator().manual_seed(seed)
    k = torch.randint(0, kinds, (n,), generator=g)
    return TensorDataset(proto[k] - 0.45 + 0.6 * torch.randn(n, 1, side, side, generator=g), k)


def main():
    torch.manual_seed(0)
    train_loader = DataLoader(glyphs(1920, 1), batch_size=MICRO, shuffle=True)
    test_loader = DataLoader(glyphs(500, 2), batch_size=250)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 9, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(5):
        model.train()
        running = 0.0
        optimizer.zero_grad()
        for step, (x, k) in enumerate(train_loader, start=1):
            loss = criterion(model(x), k) / STEPS_PER_UPDATE
            loss.backward()
            running += loss.item() * STEPS_PER_UPDATE
            if step % STEPS_PER_UPDATE == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        correct = 0
        with torch.no_grad():
            for x, k in test_loader:
                correct += (model(x).argmax(1) == k).sum().item()
        print(f"epoch {epoch + 1}: loss {running / len(train_loader):.4f}  test accuracy {correct / 500:.3f}")


if __name__ == "__main__":
    main()
