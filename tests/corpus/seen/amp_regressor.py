"""Energy yield of small wind turbines: mixed precision regression."""
import torch
from torch import nn
from torch.amp import GradScaler, autocast
from torch.utils.data import DataLoader, TensorDataset, random_split


def simulate(n):
    wind = torch.distributions.Weibull(7.0, 2.0).sample((n,))
    rotor = torch.empty(n).uniform_(1, 4)
    altitude = torch.empty(n).uniform_(0, 2000)
    temp = 15 + 8 * torch.randn(n)
    power = rotor**2 * wind.clamp(2, 12) ** 2 * torch.exp(-altitude / 8000) * (288 / (273 + temp))
    power = power * (1 + 0.03 * torch.randn(n))
    x = torch.stack([wind, rotor, altitude, temp], dim=1)
    return x, power.unsqueeze(1)


class Turbine(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1)
        )

    def forward(self, x):
        return self.layers(x)


class Trainer:
    def __init__(self, model, device="cpu", lr=3e-3):
        self.model, self.device = model.to(device), device
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.scaler = GradScaler(device, init_scale=1024.0)
        self.loss_fn = nn.MSELoss()

    def train(self, loader):
        self.model.train()
        total = 0.0
        for x, y in loader:
            x, y = x.to(self.device), y.to(self.device)
            self.opt.zero_grad(set_to_none=True)
            with autocast(self.device, dtype=torch.float16):
                loss = self.loss_fn(self.model(x).float(), y)
            self.scaler.scale(loss).backward()
            self.opt.step()
            total += loss.item() * len(x)
        return total / len(loader.dataset)

    @torch.no_grad()
    def score(self, loader):
        self.model.eval()
        se = sum(((self.model(x.to(self.device)) - y.to(self.device)) ** 2).sum().item() for x, y in loader)
        return 1 - se / sum(((y - 0.0) ** 2).sum().item() for _, y in loader)


def main():
    torch.manual_seed(12)
    x, y = simulate(3000)
    mx, sx, my, sy = x[:2400].mean(0), x[:2400].std(0), y[:2400].mean(), y[:2400].std()
    ds = TensorDataset((x - mx) / sx, (y - my) / sy)
    train, test = random_split(ds, [2400, 600])
    trainer = Trainer(Turbine())
    train_loader = DataLoader(train, batch_size=60, shuffle=True)
    test_loader = DataLoader(test, batch_size=300)
    for epoch in range(8):
        loss = trainer.train(train_loader)
        print(f"epoch {epoch}  mse {loss:.4f}  test R2 {trainer.score(test_loader):.4f}")


if __name__ == "__main__":
    main()
