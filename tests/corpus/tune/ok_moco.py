import copy, torch
import torch.nn.functional as F
from torch import nn
from sklearn.datasets import load_digits
torch.manual_seed(0)
X = torch.tensor(load_digits().images / 16).float()[:, None]
def aug(x): return torch.roll(x, (int(torch.randint(-1, 2, ())), int(torch.randint(-1, 2, ()))), (2, 3)) + 0.1 * torch.randn_like(x)
class MoCo(nn.Module):
    def __init__(self, dim=32, K=512, m=0.99, T=0.2):
        super().__init__()
        self.K, self.m, self.T = K, m, T
        self.encoder_q = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, dim))
        self.encoder_k = copy.deepcopy(self.encoder_q)
        for p in self.encoder_k.parameters(): p.requires_grad = False
        self.register_buffer("queue", F.normalize(torch.randn(dim, K), dim=0))
        self.register_buffer("ptr", torch.zeros(1, dtype=torch.long))
    @torch.no_grad()
    def _momentum_update(self):
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            k.data = k.data * self.m + q.data * (1.0 - self.m)
    def forward(self, a, b):
        q = F.normalize(self.encoder_q(a), dim=1)
        with torch.no_grad():
            self._momentum_update()
            k = F.normalize(self.encoder_k(b), dim=1)
        l_pos = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", q, self.queue.clone().detach())
        logits = torch.cat([l_pos, l_neg], 1) / self.T
        labels = torch.zeros(len(logits), dtype=torch.long)
        p = int(self.ptr); self.queue[:, p:p + len(k)] = k.T; self.ptr[0] = (p + len(k)) % self.K
        return logits, labels
m = MoCo(); o = torch.optim.SGD(m.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)
for ep in range(4):
    for b in torch.randperm(1792).split(64):
        logits, labels = m(aug(X[b]), aug(X[b])); loss = F.cross_entropy(logits, labels)
        o.zero_grad(); loss.backward(); o.step()
    print(ep, loss.item())
probe = nn.Linear(64, 10); feats = m.encoder_q[:-1]; feats.eval()
y = torch.tensor(load_digits().target); po = torch.optim.Adam(probe.parameters(), 1e-2)
with torch.no_grad(): Z = feats(X)
for i in range(150):
    l = F.cross_entropy(probe(Z[:1400]), y[:1400]); po.zero_grad(); l.backward(); po.step()
print((probe(Z[1400:]).argmax(1) == y[1400:]).float().mean().item())
