"""River level one day ahead: GRU over windows in temporal order, last fifth of the series held out."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


def simulate(days, rng):
    rain = rng.gamma(0.6, 3.0, days) * (rng.random(days) < 0.45)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(days) / 60)
    level = np.zeros(days)
    for t in range(1, days):
        level[t] = 0.85 * level[t - 1] + 0.12 * season[t] * rain[t - 1] + 0.02 * rng.standard_normal()
    return np.stack([rain, level, season], axis=1).astype(np.float32)


class Windows(Dataset):
    def __init__(self, table, length=14):
        self.table = torch.from_numpy(table)
        self.length = length

    def __len__(self):
        return len(self.table) - self.length

    def __getitem__(self, t):
        return self.table[t : t + self.length], self.table[t + self.length, 1]


class LevelGRU(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(3, hidden, batch_first=True)
        self.read = nn.Linear(hidden, 1)

    def forward(self, w):
        out, _ = self.gru(w)
        return self.read(out[:, -1]).squeeze(-1)


def main():
    rng = np.random.default_rng(77)
    torch.manual_seed(77)
    table = simulate(2400, rng)
    cut = 1920
    mean, std = table[:cut].mean(0), table[:cut].std(0)
    table = (table - mean) / std
    train = DataLoader(Windows(table[:cut]), batch_size=64, shuffle=False)
    test = DataLoader(Windows(table[cut:]), batch_size=128, shuffle=False)
    persistence = np.mean((table[cut + 14 :, 1] - table[cut + 13 : -1, 1]) ** 2)
    model = LevelGRU()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.MSELoss()
    for epoch in range(6):
        model.train()
        losses = []
        for w, target in train:
            optimizer.zero_grad()
            loss = criterion(model(w), target)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            se = [((model(w) - target) ** 2) for w, target in test]
        print(f"epoch {epoch + 1}: train {np.mean(losses):.4f}  test {torch.cat(se).mean().item():.4f}  "
              f"(persistence {persistence:.4f})")


if __name__ == "__main__":
    main()
