"""float16 training with a GradScaler that has to find its scale first; clipping on unscaled gradients."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def make_data(n, seed, features=20, classes=4):
    g = torch.Generator().manual_seed(seed)
    centers = torch.randn(classes * 3, features, generator=torch.Generator().manual_seed(1234))
    k = torch.randint(0, classes * 3, (n,), generator=g)
    return TensorDataset(centers[k] + 0.9 * torch.randn(n, features, generator=g), k % classes)


class AmpLoop:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 20, growth_interval=200)

    def step(self, x, y):
        self.opt.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16):
            out = self.model(x)
            loss = F.cross_entropy(out.float(), y)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.opt)
        nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.scaler.step(self.opt)
        self.scaler.update()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        loss = hit = n = 0
        for x, y in loader:
            out = self.model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hit += (out.argmax(-1) == y).sum().item()
            n += len(y)
        return loss / n, hit / n


def main(epochs=4):
    torch.manual_seed(8)
    train, val = DataLoader(make_data(2400, 1), 64, shuffle=True), DataLoader(make_data(600, 2), 200)
    model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 4))
    loop = AmpLoop(model, 2e-3)
    for epoch in range(epochs):
        model.train()
        losses = [loop.step(x, y) for x, y in train]
        v, a = loop.evaluate(val)
        print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {v:.4f} acc {a:.3f} scale 2^{torch.tensor(loop.scaler.get_scale()).log2().item():.0f}")


if __name__ == "__main__":
    main()
