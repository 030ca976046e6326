"""Per-pixel segmentation of bright blobs with cosine decay."""
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, Dataset


class Blobs(Dataset):
    def __init__(self, n, seed, side=16):
        g = torch.Generator().manual_seed(seed)
        axis = torch.arange(side).float()
        yy, xx = torch.meshgrid(axis, axis, indexing="ij")
        centre = 4 + 8 * torch.rand(n, 2, 1, 1, generator=g)
        radius = 2 + 2.5 * torch.rand(n, 1, 1, generator=g)
        dist = ((yy - centre[:, 0]) ** 2 + (xx - centre[:, 1]) ** 2).sqrt()
        self.mask = (dist < radius).float().unsqueeze(1)
        self.image = self.mask * 0.8 + 0.35 * torch.randn(n, 1, side, side, generator=g)

    def __len__(self):
        return len(self.mask)

    def __getitem__(self, i):
        return self.image[i], self.mask[i]


def iou(logits, mask):
    pred = logits > 0
    truth = mask > 0.5
    return ((pred & truth).sum() / (pred | truth).sum()).item()


def train(epochs=6):
    torch.manual_seed(3)
    loader = DataLoader(Blobs(480, 1), batch_size=24, shuffle=True)
    val = Blobs(120, 2)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 1, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        model.train()
        for image, mask in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(image), mask)
            loss.backward()
            scheduler.step()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            score = iou(model(val.image), val.mask)
        print(f"epoch {epoch + 1}/{epochs} loss {loss.item():.4f} val IoU {score:.3f}")


if __name__ == "__main__":
    train()
