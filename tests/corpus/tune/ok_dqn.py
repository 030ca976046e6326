import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

import copy
import random

random.seed(0)
q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(q)
opt = torch.optim.Adam(q.parameters(), lr=1e-3)
memory = []
state = torch.zeros(4)
for step in range(200):
    with torch.no_grad():
        action = random.randrange(2) if random.random() < 0.2 else int(q(state).argmax())
    following = 0.9 * state + 0.1 * torch.randn(4) + (0.1 if action else -0.1)
    memory.append((state, action, -following.abs().sum().item(), following))
    state = following
    if len(memory) >= 32:
        batch = random.sample(memory, 32)
        s = torch.stack([m[0] for m in batch])
        a = torch.tensor([m[1] for m in batch])
        r = torch.tensor([m[2] for m in batch])
        n = torch.stack([m[3] for m in batch])
        with torch.no_grad():
            goal = r + 0.9 * target(n).max(1).values
        loss = F.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), goal)
        opt.zero_grad()
        loss.backward()
        opt.step()
    if step % 50 == 0:
        target.load_state_dict(q.state_dict())
print(loss.item())
