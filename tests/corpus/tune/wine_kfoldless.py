import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class WineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 32)
        self.bn1 = nn.BatchNorm1d(32)
        self.drop = nn.Dropout(0.3)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        return self.fc2(self.drop(torch.relu(self.bn1(self.fc1(x)))))


def fit_epoch(model, loader, criterion, optimizer):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def validate(model, loader, criterion):
    model.eval()
    total_loss, correct, count = 0.0, 0, 0
    for x, y in loader:
        outputs = model(x)
        total_loss += criterion(outputs, y).item() * y.size(0)
        correct += (outputs.argmax(dim=1) == y).sum().item()
        count += y.size(0)
    return total_loss / count, correct / count


def main():
    torch.manual_seed(55)
    X, y = load_wine(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, stratify=y, random_state=55)
    scaler = StandardScaler().fit(X_train)
    mk = lambda X, y: TensorDataset(torch.tensor(scaler.transform(X)).float(), torch.tensor(y))
    train_loader = DataLoader(mk(X_train, y_train), batch_size=20, shuffle=True, drop_last=True)
    val_loader = DataLoader(mk(X_val, y_val), batch_size=54)
    model = WineNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
    for epoch in range(30):
        fit_epoch(model, train_loader, criterion, optimizer)
        if epoch % 3 == 2:
            loss, acc = validate(model, val_loader, criterion)
            print(f"epoch {epoch + 1}: val loss {loss:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
