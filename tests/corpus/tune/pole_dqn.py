"""Double DQN, chain of ten rooms with a distracting small reward on the left."""
import random
from collections import deque, namedtuple

import torch
from torch import nn

Transition = namedtuple("Transition", "s a r s2 done")


class Chain:
    n = 10

    def reset(self):
        self.s, self.t = random.randrange(2, 7), 0
        return self._obs()

    def _obs(self):
        x = torch.zeros(self.n)
        x[self.s] = 1.0
        return x

    def step(self, a):
        move = 1 if a == 1 else -1
        if random.random() < 0.1:
            move = -move
        self.s = max(0, min(self.n - 1, self.s + move))
        self.t += 1
        if self.s == self.n - 1:
            return self._obs(), 1.0, True
        if self.s == 0:
            return self._obs(), 0.1, True
        return self._obs(), 0.0, self.t >= 60


def net():
    return nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 2))


def update(policy, target, opt, batch, gamma=0.97):
    s = torch.stack([b.s for b in batch])
    a = torch.tensor([b.a for b in batch])
    r = torch.tensor([b.r for b in batch])
    s2 = torch.stack([b.s2 for b in batch])
    done = torch.tensor([float(b.done) for b in batch])
    q = policy(s).gather(1, a[:, None]).squeeze(1)
    with torch.no_grad():
        best = policy(s2).argmax(1, keepdim=True)
        y = r + gamma * (1 - done) * target(s2).gather(1, best).squeeze(1)
    loss = nn.functional.smooth_l1_loss(q, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss.item()


def greedy_return(policy, episodes=30):
    env, out = Chain(), 0.0
    for _ in range(episodes):
        s, done = env.reset(), False
        while not done:
            with torch.no_grad():
                s, r, done = env.step(int(policy(s).argmax()))
            out += r
    return out / episodes


def main():
    random.seed(3)
    torch.manual_seed(3)
    env, policy, target = Chain(), net(), net()
    target.load_state_dict(policy.state_dict())
    for p in target.parameters():
        p.requires_grad_(False)
    opt = torch.optim.Adam(policy.parameters(), lr=2e-3)
    memory, frame, loss = deque(maxlen=3000), 0, 0.0
    for ep in range(100):
        s, done = env.reset(), False
        eps = max(0.1, 1 - ep / 50)
        while not done:
            if random.random() < eps:
                a = random.randrange(2)
            else:
                with torch.no_grad():
                    a = int(policy(s).argmax())
            s2, r, done = env.step(a)
            memory.append(Transition(s, a, r, s2, done))
            s = s2
            frame += 1
            if len(memory) > 150 and frame % 2 == 0:
                loss = update(policy, target, opt, random.sample(memory, 48))
                with torch.no_grad():
                    for tp, pp in zip(target.parameters(), policy.parameters()):
                        tp.lerp_(pp, 0.02)
        if ep % 20 == 19:
            print(f"episode {ep + 1} frames {frame} loss {loss:.5f} greedy return {greedy_return(policy):.3f}")


main()
