"""Match pictures with captions: two encoders, a learned temperature and the symmetric contrastive loss."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

ATTRS, VALUES = 4, 6  # colour, shape, size, place; six values each


def scenes(n, seed):
    lib = torch.Generator().manual_seed(42)
    look = torch.randn(ATTRS, VALUES, 32, generator=lib)
    g = torch.Generator().manual_seed(seed)
    attrs = torch.randint(0, VALUES, (n, ATTRS), generator=g)
    image = sum(look[a, attrs[:, a]] for a in range(ATTRS)) / 2 + 0.3 * torch.randn(n, 32, generator=g)
    words = attrs + VALUES * torch.arange(ATTRS)
    shuffle = torch.rand(n, ATTRS, generator=g).argsort(1)
    return TensorDataset(image, words.gather(1, shuffle))


class Matcher(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, dim))
        self.words = nn.Embedding(ATTRS * VALUES, 64)
        self.text = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, dim))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, image, words):
        zi = F.normalize(self.image(image), dim=-1)
        zt = F.normalize(self.text(self.words(words).mean(1)), dim=-1)
        return self.log_scale.exp().clamp(max=100) * zi @ zt.T


def contrastive(logits):
    """Each row should pick its own column and the other way round."""
    by_image = logits.log_softmax(dim=1).diagonal()
    by_text = logits.log_softmax(dim=0).diagonal()
    return -0.5 * (by_image + by_text).mean()


def main():
    torch.manual_seed(12)
    train_loader = DataLoader(scenes(2000, 1), batch_size=50, shuffle=True, drop_last=True)
    valid_loader = DataLoader(scenes(500, 2), batch_size=50)
    model = Matcher()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for image, words in train_loader:
            loss = contrastive(model(image, words))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        val, top1 = 0.0, 0.0
        with torch.no_grad():
            for image, words in valid_loader:
                logits = model(image, words)
                val += contrastive(logits).item()
                top1 += (logits.argmax(1) == torch.arange(len(image))).float().mean().item()
        k = len(valid_loader)
        print(f"epoch {epoch}: train {total / len(train_loader):.3f} valid {val / k:.3f} right caption of 50: {top1 / k:.3f}")


if __name__ == "__main__":
    main()
