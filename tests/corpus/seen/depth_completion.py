"""Sparse-to-dense regression on short 1-D range scans with an auxiliary edge head."""
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RangeScans(Dataset):
    def __init__(self, n, seed, beams=32):
        g = torch.Generator().manual_seed(seed)
        knots = torch.rand(n, 5, generator=g) * 2 - 1
        self.dense = nn.functional.interpolate(knots[:, None], size=beams, mode="linear", align_corners=True)[:, 0]
        keep = (torch.rand(n, beams, generator=g) < 0.6).float()
        noisy = self.dense + 0.05 * torch.randn(n, beams, generator=g)
        self.x = torch.cat([noisy * keep, keep * 2 - 1], 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.dense[i]


class Completer(nn.Module):
    def __init__(self, beams=32, width=64):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(2 * beams, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())
        self.range_head = nn.Linear(width, beams)
        self.edge_head = nn.Sequential(nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, beams))

    def forward(self, x):
        h = self.encoder(x)
        return {"range": self.range_head(h)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--batch-size", type=int, default=2)
    p.add_argument("--epochs", type=int, default=3)
    args, _ = p.parse_known_args()
    torch.manual_seed(36)
    loader = DataLoader(RangeScans(900, 1), batch_size=args.batch_size, shuffle=True)
    x_val, d_val = RangeScans(200, 2)[:]
    model = Completer()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, d in loader:
            opt.zero_grad()
            loss = nn.functional.l1_loss(model(x)["range"], d)
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val = nn.functional.l1_loss(model(x_val)["range"], d_val).item()
        print(f"epoch {epoch}: train L1 {total / len(loader):.4f}, val L1 {val:.4f}")


if __name__ == "__main__":
    main()
