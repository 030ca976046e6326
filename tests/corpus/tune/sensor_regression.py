import csv
import io

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def fake_csv(rng, rows=2600):
    temp = rng.normal(20, 6, rows)
    hum = rng.uniform(20, 95, rows)
    wind = rng.gamma(2.0, 2.0, rows)
    power = 40 + 3.0 * (temp - 20) - 0.2 * (hum - 57) + 8 * np.sqrt(wind) + 0.3 * (temp - 20) * np.sqrt(wind)
    power = power + rng.normal(0, 3, rows)
    bad = rng.choice(2000, 10, replace=False)
    power[bad] = -999.0
    handle = io.StringIO()
    writer = csv.writer(handle)
    writer.writerow(["temp", "hum", "wind", "power"])
    writer.writerows(np.stack([temp, hum, wind, power], 1).round(3).tolist())
    handle.seek(0)
    return handle


def load_frame(handle):
    rows = list(csv.DictReader(handle))
    df = {key: np.array([float(r[key]) for r in rows]) for key in rows[0]}
    df["temp"] = (df["temp"] - 20) / 6
    df["hum"] = (df["hum"] - 57) / 22
    df["wind"] = (df["wind"] - 4) / 2.8
    df["power"] = (df["power"] - 60) / 25
    return df


def main():
    torch.manual_seed(9)
    df = load_frame(fake_csv(np.random.default_rng(9)))
    feats = torch.tensor(np.stack([df["temp"], df["hum"], df["wind"]], 1), dtype=torch.float32)
    target = torch.tensor(df["power"], dtype=torch.float32)
    train = TensorDataset(feats[:2000], target[:2000])
    valid = TensorDataset(feats[2000:], target[2000:])
    loader = DataLoader(train, batch_size=40, shuffle=True)
    val_loader = DataLoader(valid, batch_size=300)

    model = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loss_fn = nn.MSELoss()
    step = 0
    for epoch in range(12):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x).squeeze(-1), y)
            loss.backward()
            optimizer.step()
            step += 1
            if step % 50 == 0:
                print(f"  step {step} loss {loss.item():.4f}")
        model.eval()
        with torch.no_grad():
            val = np.mean([loss_fn(model(x).squeeze(-1), y).item() for x, y in val_loader])
        print(f"epoch {epoch} val mse {val:.4f}")


if __name__ == "__main__":
    main()
