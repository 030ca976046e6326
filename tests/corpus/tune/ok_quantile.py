import torch, numpy as np
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
x, y = load_diabetes(return_X_y=True, scaled=False)
xt, xv, yt, yv = train_test_split(x, y, random_state=1)
m, s = xt.mean(0), xt.std(0); ym, ys = yt.mean(), yt.std()
T = lambda a: torch.tensor(a, dtype=torch.float32)
dl = DataLoader(TensorDataset(T((xt - m) / s), T((yt - ym) / ys)), 32, shuffle=True)
vd = DataLoader(TensorDataset(T((xv - m) / s), T((yv - ym) / ys)), 128)
torch.manual_seed(0)
q = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3)); opt = torch.optim.RMSprop(net.parameters(), 1e-3)
def pinball(p, t):
    e = t[:, None] - p
    return torch.maximum(q * e, (q - 1) * e).mean()
best, wait = float("inf"), 0
for ep in range(60):
    net.train()
    for a, b in dl:
        opt.zero_grad(); l = pinball(net(a), b); l.backward(); opt.step()
    net.eval()
    with torch.no_grad(): v = np.mean([pinball(net(a), b).item() for a, b in vd])
    if v < best: best, wait, keep = v, 0, {k: w.clone() for k, w in net.state_dict().items()}
    else:
        wait += 1
        if wait > 8: break
net.load_state_dict(keep); print(ep, best)
