"""Find the two rare defect types on a production line; rare classes are drawn more often."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

SHARES = torch.tensor([0.93, 0.05, 0.02])


def parts(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.multinomial(SHARES, n, replacement=True, generator=g)
    centre = torch.zeros(3, 10)
    centre[1, :4] = 1.1
    centre[2, 3:8] = -1.1
    return TensorDataset(centre[y] + 0.7 * torch.randn(n, 10, generator=g), y)


def balanced_loader(dataset, batch_size):
    y = dataset.tensors[1]
    weight = 1.0 / torch.bincount(y).float()
    sampler = WeightedRandomSampler(weight[y], num_samples=len(y), replacement=True)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler)


def confusion(model, loader):
    matrix = torch.zeros(3, 3)
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            for t, p in zip(y, model(x).argmax(1)):
                matrix[t, p] += 1
    return matrix


def balanced_loss(model, loader):
    model.eval()
    sums, counts = torch.zeros(3), torch.zeros(3)
    with torch.no_grad():
        for x, y in loader:
            each = F.cross_entropy(model(x), y, reduction="none")
            sums.index_add_(0, y, each)
            counts += torch.bincount(y, minlength=3)
    return (sums / counts).mean().item()


def main():
    torch.manual_seed(3)
    train_set, valid_set = parts(4000, 1), parts(3000, 2)
    train_loader = balanced_loader(train_set, 64)
    valid_loader = DataLoader(valid_set, batch_size=500)
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    opt = torch.optim.AdamW(model.parameters(), lr=2.5e-3, weight_decay=1e-2)
    for epoch in range(8):
        model.train()
        total = 0.0
        for x, y in train_loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        m = confusion(model, valid_loader)
        recall = m.diagonal() / m.sum(1)
        print(f"epoch {epoch}: train {total / len(train_set):.3f} balanced valid {balanced_loss(model, valid_loader):.3f} "
              f"recall {[round(r, 3) for r in recall.tolist()]} macro {recall.mean():.3f}")


if __name__ == "__main__":
    main()
