import torch, random
from torch import nn
torch.manual_seed(0); random.seed(0)
def sample(n):
    sets = [torch.randint(1, 10, (random.randint(3, 9),)) for _ in range(n)]
    pad = nn.utils.rnn.pad_sequence(sets, batch_first=True); return pad, pad > 0, torch.tensor([float(s.sum()) for s in sets])
class DeepSets(nn.Module):
    def __init__(self):
        super().__init__(); self.emb = nn.Embedding(10, 16, padding_idx=0); self.phi = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16)); self.rho = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    def forward(self, x, m): return self.rho((self.phi(self.emb(x)) * m.unsqueeze(-1)).sum(1)).squeeze(-1)
net = DeepSets(); opt = torch.optim.Adam(net.parameters(), 3e-3)
vx, vm, vy = sample(300)
for it in range(500):
    x, m, y = sample(64); loss = nn.functional.l1_loss(net(x, m), y)
    opt.zero_grad(); loss.backward(); opt.step()
    if it % 100 == 99:
        with torch.no_grad(): print(it, loss.item(), (net(vx, vm) - vy).abs().mean().item())
