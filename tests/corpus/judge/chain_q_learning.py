"""Q-learning with a replay buffer and a target network on a chain of eight states."""
import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
N, GAMMA = 8, 0.95


def encode(s):
    v = torch.zeros(N)
    v[s] = 1.0
    return v


def env_step(s, a):
    nxt = min(s + 1, N - 1) if a == 1 else max(s - 1, 0)
    if nxt == N - 1:
        return nxt, 1.0, True
    return nxt, (0.02 if a == 0 and s == 0 else 0.0), False


q = nn.Sequential(nn.Linear(N, 48), nn.ReLU(), nn.Linear(48, 2))
target = copy.deepcopy(q).requires_grad_(False)
opt = torch.optim.Adam(q.parameters(), lr=2e-3)
buffer = deque(maxlen=4000)


def play(eps, limit=40):
    s, total = 0, 0.0
    for _ in range(limit):
        if random.random() < eps:
            a = random.randrange(2)
        else:
            with torch.no_grad():
                a = q(encode(s)).argmax().item()
        nxt, r, done = env_step(s, a)
        buffer.append((s, a, r, nxt, done))
        total += r
        s = nxt
        if done:
            break
    return total, done


def learn(size=64):
    s, a, r, n, d = zip(*random.sample(buffer, size))
    s, n = torch.stack([encode(i) for i in s]), torch.stack([encode(i) for i in n])
    a, r, d = torch.tensor(a), torch.tensor(r), torch.tensor(d, dtype=torch.float32)
    with torch.no_grad():
        goal = r + GAMMA * (1 - d) * target(n).max(1).values
    value = q(s).gather(1, a[:, None]).squeeze(1)
    loss = F.smooth_l1_loss(value, goal)
    opt.zero_grad()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for t, p in zip(target.parameters(), q.parameters()):
            t.lerp_(p, 0.02)
    return loss.item()


for _ in range(20):
    play(eps=1.0)
for ep in range(1, 81):
    play(eps=max(0.05, 0.9 - ep / 60))
    losses = [learn() for _ in range(10)]
    if ep % 16 == 0:
        score, reached = play(eps=0.0)
        print(f"episode {ep}: td loss {sum(losses) / 10:.5f} greedy score {score:.2f} goal {reached}")
