"""Plasma marker classification for a patient cohort; the best weights are kept on disk."""
import os
import tempfile

import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 40
HIDDEN = 256

torch.manual_seed(19)
X, y = make_classification(600, 40, n_informative=6, n_redundant=4, flip_y=0.2, class_sep=0.8, random_state=19)
X_tr, X_va, y_tr, y_va = train_test_split(X, y, train_size=200, stratify=y, random_state=19)
sc = StandardScaler().fit(X_tr)
tensors = lambda a, b: TensorDataset(torch.tensor(sc.transform(a)).float(), torch.tensor(b))
train_dl = DataLoader(tensors(X_tr, y_tr), batch_size=20, shuffle=True)
val_dl = DataLoader(tensors(X_va, y_va), batch_size=200)

net = nn.Sequential(nn.Linear(40, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
ce = nn.CrossEntropyLoss()
best = float("inf")
ckpt = os.path.join(tempfile.mkdtemp(), "best.pt")

for epoch in range(EPOCHS):
    net.train()
    train_loss = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = ce(net(xb), yb)
        loss.backward()
        opt.step()
        train_loss += loss.item() / len(train_dl)
    net.eval()
    val_loss, good = 0.0, 0
    with torch.no_grad():
        for xb, yb in val_dl:
            out = net(xb)
            val_loss += ce(out, yb).item() / len(val_dl)
            good += (out.argmax(1) == yb).sum().item()
    if val_loss < best:
        best = val_loss
        torch.save(net.state_dict(), ckpt)
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f} acc {good / len(y_va):.3f}")

net.load_state_dict(torch.load(ckpt))
print("best validation loss", round(best, 4))
