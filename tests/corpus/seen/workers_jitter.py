import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class JitteredDigits(Dataset):
    def __init__(self, images, labels, augment, seed=0):
        self.images = images.astype("float32") / 16.0
        self.labels = labels
        self.augment = augment
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        im = self.images[idx]
        if self.augment:
            dy, dx = self.rng.integers(-1, 2, size=2)
            im = np.roll(im, (int(dy), int(dx)), axis=(0, 1))
            im = im * self.rng.uniform(0.8, 1.2) + self.rng.normal(0, 0.05, im.shape)
        return torch.as_tensor(im.ravel(), dtype=torch.float32), int(self.labels[idx])


def accuracy(model, loader):
    model.eval()
    good = total = 0
    with torch.inference_mode():
        for x, y in loader:
            good += int((model(x).argmax(-1) == y).sum())
            total += y.numel()
    return good / total


def main():
    torch.manual_seed(5)
    digits = load_digits()
    perm = np.random.default_rng(5).permutation(len(digits.target))
    tr, te = perm[:1440], perm[1440:]
    train_loader = DataLoader(
        JitteredDigits(digits.images[tr], digits.target[tr], augment=True),
        batch_size=48, shuffle=True, num_workers=2, drop_last=True,
    )
    test_loader = DataLoader(JitteredDigits(digits.images[te], digits.target[te], augment=False), batch_size=357)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 96), torch.nn.GELU(), torch.nn.Linear(96, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    for epoch in range(5):
        model.train()
        for x, y in train_loader:
            loss = torch.nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch={epoch} last_batch_loss={loss.item():.3f} test_acc={accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
