"""CNN on 8x8 digits, trained to be robust against sensor noise and small shifts."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Jitter:
    """Shift by up to one pixel and add sensor noise."""

    def __init__(self, noise=0.15):
        self.noise = noise

    def __call__(self, img):
        dy, dx = torch.randint(-1, 2, (2,)).tolist()
        img = torch.roll(img, shifts=(dy, dx), dims=(1, 2))
        return img + self.noise * torch.randn_like(img)


class Digits(Dataset):
    def __init__(self, transform=None):
        raw = load_digits()
        self.x = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.y = torch.tensor(raw.target)
        self.transform = transform

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        img = self.x[index]
        if self.transform is not None:
            img = self.transform(img)
        return img, self.y[index]


def get_loaders(batch_size=64):
    data = Digits(transform=Jitter())
    n_val = len(data) // 5
    train_set, val_set = random_split(data, [len(data) - n_val, n_val],
                                      generator=torch.Generator().manual_seed(0))
    return (DataLoader(train_set, batch_size=batch_size, shuffle=True),
            DataLoader(val_set, batch_size=128))


def build():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 16, 10))


def validate(model, loader, loss_fn):
    model.eval()
    tot, ok, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            logits = model(x)
            tot += loss_fn(logits, y).item() * len(y)
            ok += (logits.argmax(1) == y).sum().item()
            n += len(y)
    return tot / n, ok / n


def main():
    torch.manual_seed(0)
    train_loader, val_loader = get_loaders()
    model = build()
    loss_fn = nn.CrossEntropyLoss()
    opt = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for epoch in range(6):
        model.train()
        tot = n = 0
        for x, y in train_loader:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            tot += loss.item() * len(y)
            n += len(y)
        vl, va = validate(model, val_loader, loss_fn)
        print(f"{epoch}: train {tot / n:.3f}  val {vl:.3f}  acc {va:.3f}")


if __name__ == "__main__":
    main()
