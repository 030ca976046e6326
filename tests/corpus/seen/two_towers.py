"""Contrastive retrieval: match a melody contour with its noisy, transposed recording (in-batch negatives)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Melodies(Dataset):
    def __init__(self, n, seed, notes=16):
        g = torch.Generator().manual_seed(seed)
        steps = torch.randint(-2, 3, (n, notes), generator=g).float()
        self.score = steps.cumsum(1)
        self.score = (self.score - self.score.mean(1, keepdim=True)) / 3
        speed = 0.8 + 0.4 * torch.rand(n, 1, generator=g)
        self.recording = self.score * speed + 0.35 * torch.randn(n, notes, generator=g)
        self.recording = self.recording + torch.randn(n, 1, generator=g)

    def __len__(self):
        return len(self.score)

    def __getitem__(self, i):
        return self.score[i], self.recording[i]


class Tower(nn.Module):
    def __init__(self, d=16, out=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, out))

    def forward(self, x):
        return F.normalize(self.net(x), dim=-1)


def clip_loss(a, b, log_temperature):
    similarity = a @ b.t() * log_temperature.exp()
    target = torch.arange(len(a))
    return 0.5 * (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.t(), target))


def main():
    torch.manual_seed(4)
    train = DataLoader(Melodies(3000, 1), batch_size=100, shuffle=True)
    test = Melodies(200, 2)
    score_tower, sound_tower = Tower(), Tower()
    log_temperature = nn.Parameter(torch.tensor(1.5))
    params = [*score_tower.parameters(), *sound_tower.parameters(), log_temperature]
    opt = torch.optim.Adam(params, lr=3e-3)
    for epoch in range(8):
        score_tower.train(), sound_tower.train()
        total = 0.0
        for score, recording in train:
            loss = clip_loss(score_tower(score), sound_tower(recording), log_temperature)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        score_tower.eval(), sound_tower.eval()
        with torch.no_grad():
            ranks = (score_tower(test.score) @ sound_tower(test.recording).t()).argsort(1, descending=True)
            top1 = (ranks[:, 0] == torch.arange(200)).float().mean()
            top5 = (ranks[:, :5] == torch.arange(200)[:, None]).any(1).float().mean()
        print(f"epoch {epoch + 1}: loss {total / len(train):.3f}  recall@1 {top1:.3f}  recall@5 {top5:.3f}")


if __name__ == "__main__":
    main()
