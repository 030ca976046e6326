"""Float16 autocast done by the book: scaler, unscale before clipping, scaler state in the log."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def orbits(n, gen):
    """Is the orbit bound (energy below zero)? Position and velocity in the plane."""
    r = 0.5 + 2 * torch.rand(n, generator=gen)
    phi = 6.2832 * torch.rand(n, generator=gen)
    v = torch.randn(n, 2, generator=gen)
    energy = 0.5 * (v**2).sum(1) - 1.5 / r
    x = torch.stack([r * phi.cos(), r * phi.sin(), v[:, 0], v[:, 1]], 1)
    return x, (energy < 0).long()


class Solver:
    def __init__(self, device):
        self.device = device
        self.net = nn.Sequential(
            nn.Linear(4, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 2)
        ).to(device)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=3e-3, weight_decay=0.0)
        self.scaler = torch.amp.GradScaler(device, init_scale=2.0**24, growth_interval=500)
        self.loss = nn.CrossEntropyLoss()

    def step(self, x, y):
        self.opt.zero_grad(set_to_none=True)
        with torch.autocast(self.device, dtype=torch.float16):
            loss = self.loss(self.net(x.to(self.device)), y.to(self.device))
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.opt)
        nn.utils.clip_grad_norm_(self.net.parameters(), 3.0)
        self.scaler.step(self.opt)
        self.scaler.update()
        return loss.item()

    @torch.no_grad()
    def accuracy(self, x, y):
        self.net.eval()
        out = self.net(x.to(self.device)).argmax(1).cpu()
        self.net.train()
        return (out == y).float().mean().item()


def main():
    torch.manual_seed(14)
    gen = torch.Generator().manual_seed(14)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loader = DataLoader(TensorDataset(*orbits(3000, gen)), batch_size=75, shuffle=True)
    test = orbits(800, gen)
    solver = Solver(device)
    for epoch in range(7):
        losses = [solver.step(x, y) for x, y in loader]
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}, test {solver.accuracy(*test):.3f}, "
              f"scale 2**{torch.tensor(solver.scaler.get_scale()).log2().item():.0f}")


if __name__ == "__main__":
    main()
