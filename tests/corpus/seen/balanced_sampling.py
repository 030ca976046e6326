"""Long-tailed digits: a WeightedRandomSampler evens out the classes; per-class recall on a balanced test set."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def long_tail(seed=13):
    d = load_digits()
    rng = np.random.default_rng(seed)
    train, test = [], []
    for c in range(10):
        ids = rng.permutation(np.flatnonzero(d.target == c))
        test.extend(ids[:40])
        train.extend(ids[40:40 + max(8, int(130 * 0.74 ** c))])
    conv = lambda ids: (torch.tensor(d.data[ids] / 16, dtype=torch.float32), torch.tensor(d.target[ids]))
    return conv(np.array(train)), conv(np.array(test))


def main():
    torch.manual_seed(13)
    (x, y), (xt, yt) = long_tail()
    counts = torch.bincount(y)
    print("counts", counts.tolist())
    sampler = WeightedRandomSampler(weights=(1.0 / counts.double())[y], num_samples=900, replacement=True)
    loader = DataLoader(TensorDataset(x, y), batch_size=45, sampler=sampler)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 10))
    opt = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=0.1)
    for epoch in range(10):
        net.train()
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(net(xb), yb, label_smoothing=0.05)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            pred = net(xt).argmax(1)
        recall = [(pred[yt == c] == c).float().mean().item() for c in range(10)]
        print(f"epoch {epoch}: mean recall {np.mean(recall):.3f} worst {min(recall):.3f}")


main()
