"""Fine-tuning: the network learned shapes, now its head is swapped and it learns sizes."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def figures(n, gen, side=14):
    shape = torch.randint(0, 3, (n,), generator=gen)
    size = torch.randint(0, 2, (n,), generator=gen)
    ax = torch.linspace(-1, 1, side)
    yy, xx = torch.meshgrid(ax, ax, indexing="ij")
    r = torch.where(size == 1, 0.72, 0.45).view(-1, 1, 1) + 0.04 * torch.randn(n, 1, 1, generator=gen)
    disc = xx**2 + yy**2 < r**2
    square = torch.maximum(xx.abs(), yy.abs()) < 0.85 * r
    cross = (torch.minimum(xx.abs(), yy.abs()) < 0.3 * r) & (torch.maximum(xx.abs(), yy.abs()) < r)
    img = torch.stack([disc, square, cross], 1)[torch.arange(n), shape].float()
    return (img + 0.3 * torch.randn(n, side, side, generator=gen)).unsqueeze(1), shape, size


class FigureNet(nn.Module):
    def __init__(self, n_out):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(10, 20, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )
        self.fc = nn.Linear(20 * 9, n_out)

    def forward(self, x):
        return self.fc(self.features(x))


def fit(model, optimizer, loader, x_test, y_test, epochs, tag):
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"{tag} epoch {epoch + 1}: loss {loss.item():.3f} test {acc:.3f}")


def main():
    torch.manual_seed(52)
    gen = torch.Generator().manual_seed(52)
    x, shape, size = figures(1500, gen)
    x_test, shape_test, size_test = figures(400, gen)
    model = FigureNet(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    fit(model, optimizer, DataLoader(TensorDataset(x, shape), 50, shuffle=True), x_test, shape_test, 4, "shape")

    few = slice(0, 600)
    model.fc = nn.Linear(model.fc.in_features, 2)
    optimizer = torch.optim.Adam([
        {"params": model.features.parameters(), "lr": 5e-4},
        {"params": model.fc.parameters(), "lr": 3e-3},
    ])
    fit(model, optimizer, DataLoader(TensorDataset(x[few], size[few]), 50, shuffle=True), x_test, size_test, 5, "size")


if __name__ == "__main__":
    main()
