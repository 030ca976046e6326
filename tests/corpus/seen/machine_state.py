import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.fc = nn.Linear(d_in, d_out, bias=False)
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, x):
        return torch.relu(self.norm(self.fc(x)))


def sensors(n, seed):
    """Eight vibration sensors, three machine states."""
    g = torch.Generator().manual_seed(seed)
    state = torch.randint(0, 3, (n,), generator=g)
    mix = torch.linspace(-1, 1, 24).view(3, 8)
    x = mix[state] + 0.5 * torch.randn(n, 8, generator=g)
    x[:, 0] *= x[:, 1]
    return TensorDataset(x, state)


def main():
    torch.manual_seed(19)
    train_loader = DataLoader(sensors(600, 0), batch_size=2, shuffle=True)
    test_loader = DataLoader(sensors(300, 1), batch_size=100)
    model = nn.Sequential(Block(8, 24), Block(24, 24), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(4):
        model.train()
        running = 0.0
        for x, state in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), state)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        hit = 0
        with torch.no_grad():
            for x, state in test_loader:
                hit += (model(x).argmax(1) == state).sum().item()
        print(f"epoch {epoch + 1}: loss {running / len(train_loader):.3f}, accuracy {hit / 300:.3f}")


if __name__ == "__main__":
    main()
