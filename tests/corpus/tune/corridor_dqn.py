"""DQN in a short corridor: walk right to the door, the left end is a small distraction."""
import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

N = 8


class Corridor:
    def reset(self):
        self.pos, self.t = random.randint(1, N - 2), 0
        return self.obs()

    def obs(self):
        v = torch.zeros(N)
        v[self.pos] = 1.0
        return v

    def step(self, action):
        self.pos += 1 if action == 1 else -1
        self.t += 1
        if self.pos == N - 1:
            return self.obs(), 1.0, True
        if self.pos == 0:
            return self.obs(), 0.1, True
        return self.obs(), -0.01, self.t >= 30


class Agent:
    def __init__(self, gamma=0.95):
        self.q = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
        self.target = copy.deepcopy(self.q)
        self.opt = torch.optim.Adam(self.q.parameters(), lr=3e-3)
        self.memory = deque(maxlen=2000)
        self.gamma = gamma

    def act(self, state, eps):
        if random.random() < eps:
            return random.randrange(2)
        with torch.no_grad():
            return self.q(state).argmax().item()

    def learn(self, size=48):
        s, a, r, s2, done = zip(*random.sample(self.memory, size))
        s, s2 = torch.stack(s), torch.stack(s2)
        a, r, done = torch.tensor(a), torch.tensor(r), torch.tensor(done, dtype=torch.float32)
        with torch.no_grad():
            goal = r + self.gamma * (1 - done) * self.target(s2).max(1).values
        value = self.q(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = F.smooth_l1_loss(value, goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


random.seed(1)
torch.manual_seed(1)
env, agent, steps, returns = Corridor(), Agent(), 0, []
for episode in range(1, 161):
    state, done, total = env.reset(), False, 0.0
    eps = max(0.05, 1 - episode / 90)
    while not done:
        action = agent.act(state, eps)
        nxt, reward, done = env.step(action)
        agent.memory.append((state, action, reward, nxt, done))
        state, total, steps = nxt, total + reward, steps + 1
        if len(agent.memory) >= 100:
            loss = agent.learn()
        if steps % 60 == 0:
            agent.target.load_state_dict(agent.q.state_dict())
    returns.append(total)
    if episode % 20 == 0:
        print(f"episode {episode} mean return {sum(returns[-20:]) / 20:.3f} eps {eps:.2f} td loss {loss:.4f}")
