import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, random_split


def pump_data(n=2400):
    x = torch.rand(n, 4) * 2 - 1
    y = torch.sin(3 * x[:, 0]) + x[:, 1] ** 2 * 1.5 - x[:, 2] * x[:, 3] + 0.1 * torch.randn(n)
    return x, ((y - y.mean()) / y.std()).unsqueeze(1)


class PumpNet(nn.Module):
    def __init__(self, hidden=64, p=0.05):
        super().__init__()
        self.fc1 = nn.Linear(4, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 1)
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        x = self.dropout(self.fc1(x))
        x = self.dropout(self.fc2(x))
        return self.fc3(x)


class EarlyStopping:
    def __init__(self, patience=6):
        self.best, self.bad, self.patience, self.state = float("inf"), 0, patience, None

    def update(self, value, model):
        if value < self.best - 1e-4:
            self.best, self.bad = value, 0
            self.state = {k: v.clone() for k, v in model.state_dict().items()}
        else:
            self.bad += 1
        return self.bad >= self.patience


def run_epoch(model, loader, criterion, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total = 0.0
    with torch.set_grad_enabled(training):
        for x, y in loader:
            loss = criterion(model(x), y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(x)
    return total / len(loader.dataset)


def main():
    torch.manual_seed(23)
    full = TensorDataset(*pump_data())
    train_set, val_set = random_split(full, [2000, 400])
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)
    model = PumpNet()
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    stopper = EarlyStopping()
    for epoch in range(20):
        tr = run_epoch(model, train_loader, criterion, optimizer)
        va = run_epoch(model, val_loader, criterion)
        scheduler.step(va)
        print(f"{epoch + 1:02d} train {tr:.4f} val {va:.4f}")
        if stopper.update(va, model):
            break
    model.load_state_dict(stopper.state)
    print("best", round(stopper.best, 4))


if __name__ == "__main__":
    main()
