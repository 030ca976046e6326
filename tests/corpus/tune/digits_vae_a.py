import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, random_split, TensorDataset


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc21 = nn.Linear(128, latent)
        self.fc22 = nn.Linear(128, latent)
        self.fc3 = nn.Linear(latent, 128)
        self.fc4 = nn.Linear(128, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + std * torch.randn_like(std)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / x.size(0)


def main():
    torch.manual_seed(1)
    x = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    train_set, test_set = random_split(TensorDataset(x), [1397, 400])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=200)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 16):
        model.train()
        train_loss = 0.0
        for (batch,) in train_loader:
            optimizer.zero_grad()
            recon, mu, logvar = model(batch)
            loss = loss_function(recon, batch, mu, logvar)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(batch)
        model.eval()
        test_loss = 0.0
        with torch.no_grad():
            for (batch,) in test_loader:
                recon, mu, logvar = model(batch)
                test_loss += loss_function(recon, batch, mu, logvar).item() * len(batch)
        if epoch % 3 == 0:
            print("====> Epoch: {} train {:.3f} test {:.3f}".format(epoch, train_loss / 1397, test_loss / 400))
    with torch.no_grad():
        sample = model.decode(torch.randn(4, 6))
    print("sample mean intensity", round(sample.mean().item(), 3))


main()
