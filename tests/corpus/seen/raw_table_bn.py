"""Raw clinical measurements; a BatchNorm layer in front takes care of the scale."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(57)
x, y = load_breast_cancer(return_X_y=True)
xa, xb, ya, yb = train_test_split(x, y, test_size=0.25, random_state=57, stratify=y)
train = TensorDataset(torch.tensor(xa, dtype=torch.float32), torch.tensor(ya))
xb, yb = torch.tensor(xb, dtype=torch.float32), torch.tensor(yb)
model = nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 2))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
loader = DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
for epoch in range(14):
    model.train()
    for xt, yt in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(xt), yt)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        out = model(xb)
    if epoch % 2:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f} test loss {nn.functional.cross_entropy(out, yb).item():.4f} "
              f"acc {(out.argmax(1) == yb).float().mean().item():.4f}")
