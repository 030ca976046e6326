import torch
from torch import nn
torch.manual_seed(0); expert = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 3))
with torch.no_grad(): states = torch.randn(3000, 5); actions = expert(states).argmax(1)
policy = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 3)); opt = torch.optim.Adam(policy.parameters(), 3e-3)
class Buffer:
    def __init__(self, s, a): self.s, self.a = s, a
    def sample(self, n): i = torch.randint(len(self.s), (n,)); return self.s[i], self.a[i]
buf = Buffer(states[:2500], actions[:2500])
for it in range(300):
    s, a = buf.sample(64); dist = torch.distributions.Categorical(logits=policy(s)); loss = -dist.log_prob(a).mean() - 0.001 * dist.entropy().mean()
    opt.zero_grad(set_to_none=True); loss.backward(); opt.step()
with torch.no_grad(): print((policy(states[2500:]).argmax(1) == actions[2500:]).float().mean().item())
