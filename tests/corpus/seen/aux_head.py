"""Two-branch network for spectra with an auxiliary decoder."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SUBSTANCES = 6


def spectra(n, gen):
    axis = torch.linspace(0, 1, 60)
    peaks = torch.tensor([[0.2, 0.5], [0.2, 0.7], [0.35, 0.5], [0.35, 0.8], [0.5, 0.8], [0.6, 0.7]])
    label = torch.randint(0, SUBSTANCES, (n,), generator=gen)
    h = 0.5 + torch.rand(n, 2, 1, generator=gen)
    wave = (h * torch.exp(-((axis - peaks[label].unsqueeze(-1)) / 0.04) ** 2)).sum(1)
    return wave + 0.2 * torch.randn(n, 60, generator=gen), label


class SpectrumNet(nn.Module):
    def __init__(self, code=24):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(60, 64), nn.ReLU(), nn.Linear(64, code), nn.ReLU())
        self.classifier = nn.Linear(code, SUBSTANCES)
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, 60))

    def forward(self, x):
        code = self.encoder(x)
        return self.classifier(code), code


def main():
    torch.manual_seed(44)
    gen = torch.Generator().manual_seed(4)
    train = TensorDataset(*spectra(1500, gen))
    test_x, test_y = spectra(500, gen)
    loader = DataLoader(train, batch_size=50, shuffle=True)
    model = SpectrumNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        for x, y in loader:
            logits, _ = model(x)
            loss = loss_fn(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits, _ = model(test_x)
            print(f"epoch {epoch + 1}: loss {loss.item():.4f} test {(logits.argmax(1) == test_y).float().mean():.3f}")


if __name__ == "__main__":
    main()
