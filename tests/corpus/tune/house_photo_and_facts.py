"""Two towers: a picture of the roof and a table of facts, fused to say which of five districts a house is in."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def houses(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 5, (n,), generator=g)
    proto_g = torch.Generator().manual_seed(99)
    pattern = torch.randn(5, 1, 12, 12, generator=proto_g)
    facts = torch.randn(5, 8, generator=proto_g)
    image = 0.5 * pattern[y] + torch.randn(n, 1, 12, 12, generator=g)
    table = 0.5 * facts[y] + torch.randn(n, 8, generator=g)
    return TensorDataset(image, table, y)


class ImageTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2)
        self.fc = nn.Linear(8 * 25, dim)

    def forward(self, image):
        return F.relu(self.fc(F.relu(self.conv(image)).flatten(1)))


class TwoTower(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.image_tower = ImageTower(dim)
        self.table_tower = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, dim), nn.ReLU())
        self.classifier = nn.Linear(2 * dim, 5)

    @torch.no_grad()
    def embed_image(self, image):
        """Vector of a picture; also what the nearest-house search indexes."""
        return self.image_tower(image)

    def embed_table(self, table):
        return self.table_tower(table)

    def forward(self, image, table):
        z = torch.cat([self.embed_image(image), self.embed_table(table)], dim=1)
        return self.classifier(z)


def accuracy(model, loader):
    model.eval()
    loss = hits = n = 0
    with torch.no_grad():
        for image, table, y in loader:
            out = model(image, table)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


if __name__ == "__main__":
    torch.manual_seed(20)
    train_loader = DataLoader(houses(1600, 1), batch_size=32, shuffle=True)
    valid_loader = DataLoader(houses(500, 2), batch_size=250)
    model = TwoTower()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(7):
        model.train()
        total = 0.0
        for image, table, y in train_loader:
            opt.zero_grad()
            loss = F.cross_entropy(model(image, table), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        val, acc = accuracy(model, valid_loader)
        print(f"epoch {epoch}: train {total / 1600:.3f} valid {val:.3f} acc {acc:.3f}")
