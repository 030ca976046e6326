"""Activity recognition from an accelerometer, leave-one-subject-out."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from sklearn.model_selection import LeaveOneGroupOut

RNG = np.random.default_rng(8)
torch.manual_seed(8)
ACT = ["still", "walk", "run", "stairs"]


def simulate(subject, act, T=64):
    t = np.arange(T) / 20
    f = {0: 0, 1: 1.7, 2: 2.8, 3: 1.3}[act] * subject["pace"]
    a = {0: 0.02, 1: .5, 2: 1.1, 3: .45}[act]
    ph = RNG.uniform(0, 6.28)
    x = np.stack([a * np.sin(6.28 * f * t + ph), .6 * a * np.sin(12.56 * f * t + ph + 1), .4 * a * np.cos(6.28 * f * t + ph)])
    if act == 3:
        x[2] += .6 * np.sign(np.sin(6.28 * f * t + ph))
    return subject["gain"] * (x + RNG.normal(0, .6, x.shape)) + subject["tilt"][:, None]


subjects = [dict(pace=RNG.uniform(.9, 1.1), gain=RNG.uniform(5, 20), tilt=RNG.normal(0, 6, 3)) for _ in range(5)]
X, y, g = [], [], []
for s, sub in enumerate(subjects):
    rows = np.stack([simulate(sub, k) for k in np.tile(np.arange(4), 45)])
    rows = (rows - rows.mean((0, 2), keepdims=True)) / rows.std((0, 2), keepdims=True)   # each person by their own scale
    X.append(rows); y += list(np.tile(np.arange(4), 45)); g += [s] * 180
X, y, g = torch.tensor(np.concatenate(X)).float(), torch.tensor(y), np.array(g)


def build():
    return nn.Sequential(
        nn.Conv1d(3, 16, 7, stride=2, padding=3), nn.GroupNorm(4, 16), nn.GELU(),
        nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.GroupNorm(4, 32), nn.GELU(),
        nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Dropout(.2), nn.Linear(32, 4))


scores = []
for fold, (tr, te) in enumerate(LeaveOneGroupOut().split(X, y, g)):
    model = build()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=.01)
    tr = torch.as_tensor(tr)
    for epoch in range(6):
        model.train()
        losses = []
        for b in tr[torch.randperm(len(tr))].chunk(18):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(X[b]), y[b])
            loss.backward()
            opt.step()
            losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(X[te])
    f1 = f1_score(y[te], out.argmax(1), average="macro")
    scores.append(f1)
    print(f"subject {fold} held out: train {np.mean(losses):.3f} test {nn.functional.cross_entropy(out, y[te]):.3f} macro-F1 {f1:.3f}")
print(f"LOSO macro-F1 {np.mean(scores):.3f} ± {np.std(scores):.3f}")
