import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

Transition = namedtuple("Transition", "state action reward next_state done")
random.seed(1); np.random.seed(1); torch.manual_seed(1)
SIZE = 4


class Grid:
    def reset(self):
        self.at, self.n = [0, 0], 0
        return self.state()

    def state(self):
        s = np.zeros(SIZE * SIZE, np.float32)
        s[self.at[0] * SIZE + self.at[1]] = 1
        return s

    def step(self, a):
        d = [(-1, 0), (1, 0), (0, -1), (0, 1)][a]
        self.at = [min(SIZE - 1, max(0, self.at[i] + d[i])) for i in (0, 1)]
        self.n += 1
        win = self.at == [SIZE - 1, SIZE - 1]
        return self.state(), (1.0 if win else -0.02), win, win or self.n >= 40


def q_net():
    return nn.Sequential(nn.Linear(SIZE * SIZE, 48), nn.ReLU(), nn.Linear(48, 4))


policy_net, target_net = q_net(), q_net()
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=2e-3, amsgrad=True)
memory, env, history, step = deque(maxlen=3000), Grid(), [], 0
criterion = nn.SmoothL1Loss()

for episode in range(90):
    state, total, over = env.reset(), 0.0, False
    eps = max(0.05, 0.95 - episode / 50)
    while not over:
        if random.random() < eps:
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = policy_net(torch.from_numpy(state)).argmax().item()
        nxt, reward, done, over = env.step(action)
        memory.append(Transition(state, action, reward, nxt, float(done)))
        state, total, step = nxt, total + reward, step + 1
        if len(memory) >= 200 and step % 2 == 0:
            b = Transition(*zip(*random.sample(memory, 48)))
            q = policy_net(torch.from_numpy(np.stack(b.state))).gather(1, torch.tensor(b.action)[:, None]).squeeze(1)
            with torch.no_grad():
                nq = target_net(torch.from_numpy(np.stack(b.next_state))).max(1).values
            target = torch.tensor(b.reward) + 0.95 * nq * (1 - torch.tensor(b.done))
            loss = criterion(q, target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(policy_net.parameters(), 100)
            optimizer.step()
            for tp, pp in zip(target_net.parameters(), policy_net.parameters()):
                tp.data.mul_(0.98).add_(pp.data, alpha=0.02)
    history.append(total)
    if episode % 15 == 14:
        print(f"episode {episode + 1}: return {np.mean(history[-15:]):.3f}, epsilon {eps:.2f}")
