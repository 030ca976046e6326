import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class ConvAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64, 12),
        )
        self.up = nn.Linear(12, 64)
        self.dec = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(16, 16, 2, stride=2), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 2, stride=2),
        )

    def forward(self, x):
        z = self.enc(x)
        return torch.sigmoid(self.dec(self.up(z).view(-1, 16, 2, 2)))


class AETrainer:
    def __init__(self, images, epochs=15, lr=4e-3):
        self.model = ConvAE()
        self.epochs = epochs
        self.optim = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.optim, gamma=0.9)
        self.train_dl = DataLoader(images[:1500], batch_size=50, shuffle=True)
        self.val_dl = DataLoader(images[1500:], batch_size=300)

    def step(self, batch):
        loss = F.mse_loss(self.model(batch), batch)
        self.optim.zero_grad()
        loss.backward()
        self.optim.step()
        return loss.item()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        err = sum(F.mse_loss(self.model(b), b, reduction="sum").item() for b in self.val_dl)
        self.model.train()
        return err / len(self.val_dl.dataset) / 64

    def run(self):
        for epoch in range(self.epochs):
            self.sched.step()
            losses = [self.step(b) for b in self.train_dl]
            print(f"epoch {epoch:02d} rec {sum(losses) / len(losses):.4f} val {self.validate():.4f}")


if __name__ == "__main__":
    torch.manual_seed(66)
    images = torch.tensor(load_digits().images / 16.0, dtype=torch.float32).unsqueeze(1)
    images = images[torch.randperm(len(images))]
    AETrainer(images).run()
