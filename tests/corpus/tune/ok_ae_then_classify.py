import tempfile; import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
d = load_digits(); X = torch.tensor(d.data / 16).float(); Y = torch.tensor(d.target)
tr, te = TensorDataset(X[:1400], Y[:1400]), TensorDataset(X[1400:], Y[1400:])
encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16), nn.ReLU()); decoder = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3)
for e in range(6):
    for x, _ in DataLoader(tr, 50, shuffle=True):
        opt.zero_grad(); loss = nn.functional.mse_loss(decoder(encoder(x)), x); loss.backward(); opt.step()
    print("ae", e, loss.item())
torch.save(encoder.state_dict(), tempfile.gettempdir() + "/enc.pt")
fresh = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16), nn.ReLU()); fresh.load_state_dict(torch.load(tempfile.gettempdir() + "/enc.pt", weights_only=True))
clf = nn.Sequential(fresh, nn.Linear(16, 10)); opt = torch.optim.Adam(clf.parameters(), 2e-3)
for e in range(6):
    clf.train()
    for x, y in DataLoader(tr, 50, shuffle=True):
        opt.zero_grad(); loss = nn.functional.cross_entropy(clf(x), y); loss.backward(); opt.step()
    clf.eval()
    with torch.no_grad(): print("clf", e, sum((clf(x).argmax(1) == y).sum().item() for x, y in DataLoader(te, 200)) / len(te))
