"""DQN on a corridor of eleven cells: the goal is at the right end, a trap at the left."""
import collections
import copy
import random

import torch
from torch import nn

random.seed(7)
torch.manual_seed(7)
N = 11


class Corridor:
    def reset(self):
        self.pos, self.t = N // 2, 0
        return self.obs()

    def obs(self):
        return nn.functional.one_hot(torch.tensor(self.pos), N).float()

    def step(self, action):
        move = 1 if action == 1 else -1
        if random.random() < 0.1:
            move = -move
        self.pos += move
        self.t += 1
        done = self.pos in (0, N - 1) or self.t >= 40
        reward = 1.0 if self.pos == N - 1 else (-1.0 if self.pos == 0 else -0.01)
        return self.obs(), reward, done


class Agent:
    def __init__(self):
        self.q = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
        self.target = copy.deepcopy(self.q).requires_grad_(False)
        self.opt = torch.optim.Adam(self.q.parameters(), lr=2e-3)
        self.memory = collections.deque(maxlen=2000)
        self.losses = []

    def act(self, s, eps):
        if random.random() < eps:
            return random.randrange(2)
        with torch.no_grad():
            return int(self.q(s).argmax())

    def learn(self, gamma=0.97, n=32):
        if len(self.memory) < 100:
            return
        s, a, r, s2, d = zip(*random.sample(self.memory, n))
        s, s2 = torch.stack(s), torch.stack(s2)
        a, r, d = torch.tensor(a), torch.tensor(r), torch.tensor(d, dtype=torch.float32)
        with torch.no_grad():
            goal = r + gamma * (1 - d) * self.target(s2).max(1).values
        value = self.q(s).gather(1, a[:, None])[:, 0]
        loss = nn.functional.smooth_l1_loss(value, goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.losses.append(loss)


env, agent = Corridor(), Agent()
returns, steps = [], 0
for episode in range(120):
    s, done, total = env.reset(), False, 0.0
    while not done:
        a = agent.act(s, max(0.05, 1 - episode / 60))
        s2, r, done = env.step(a)
        agent.memory.append((s, a, r, s2, done))
        s, total, steps = s2, total + r, steps + 1
        agent.learn()
        if steps % 100 == 0:
            agent.target.load_state_dict(agent.q.state_dict())
    returns.append(total)
    if episode % 20 == 19:
        recent = sum(l.item() for l in agent.losses[-50:]) / 50
        print(f"episode {episode + 1}: mean return {sum(returns[-20:]) / 20:.2f} loss {recent:.4f}")
