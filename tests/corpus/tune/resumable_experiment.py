"""Experiment that stops half-way and resumes with everything it needs: weights, optimizer, schedule, random state."""
import argparse
import tempfile
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class Experiment:
    def __init__(self, epochs, lr):
        self.epochs = epochs
        self.model = nn.Sequential(nn.Linear(13, 32), nn.LayerNorm(32), nn.SiLU(), nn.Linear(32, 3))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs, eta_min=lr / 20)
        self.done = 0

    def parts(self):
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler}

    def save(self, path):
        state = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save({**state, "done": self.done, "rng": torch.get_rng_state()}, path)

    def load(self, path):
        state = torch.load(path)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.done = state["done"]
        torch.set_rng_state(state["rng"])
        return self

    def run(self, train, val, until):
        loader = DataLoader(train, 16, shuffle=True)
        while self.done < until:
            self.model.train()
            total = 0.0
            for x, y in loader:
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(x), y, label_smoothing=0.05)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(y)
            self.scheduler.step()
            self.done += 1
            self.model.eval()
            with torch.no_grad():
                out = self.model(val.tensors[0])
            v = F.cross_entropy(out, val.tensors[1], label_smoothing=0.05).item()
            acc = (out.argmax(1) == val.tensors[1]).float().mean().item()
            print(f"epoch {self.done:2d} train {total / len(train):.4f} val {v:.4f} acc {acc:.3f}")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=16)
    ap.add_argument("--lr", type=float, default=3e-3)
    args = ap.parse_args()
    torch.manual_seed(18)
    X, y = load_wine(return_X_y=True)
    Xt, Xv, yt, yv = train_test_split(X, y, test_size=0.3, stratify=y, random_state=18)
    sc = StandardScaler().fit(Xt)
    pack = lambda X, y: TensorDataset(torch.tensor(sc.transform(X)).float(), torch.tensor(y))
    train, val = pack(Xt, yt), pack(Xv, yv)
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "state.pt"
        first = Experiment(args.epochs, args.lr)
        first.run(train, val, until=args.epochs // 2)
        first.save(path)
        del first
        Experiment(args.epochs, args.lr).load(path).run(train, val, until=args.epochs)


if __name__ == "__main__":
    main()
