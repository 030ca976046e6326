import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
V, L_ = 40, 16
def corpus(n):
    s = torch.randint(2, V, (n, 1)); step = torch.randint(1, 4, (n, 1))
    return (s + step * torch.arange(L_)) % (V - 2) + 2
train, val = corpus(2000), corpus(300)
class Bert(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.tok = nn.Embedding(V, d); self.pos = nn.Parameter(torch.zeros(1, L_, d))
        layer = nn.TransformerEncoderLayer(d, 4, 96, dropout=0.1, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(d, V)
    def forward(self, ids): return self.head(self.enc(self.tok(ids) + self.pos))
def mask(ids):
    labels = ids.clone(); m = torch.rand(ids.shape) < 0.15
    labels[~m] = -100
    return ids.masked_fill(m, 1), labels
model = Bert(); opt = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 20) * max(0.0, 1 - s / 190))
for epoch in range(3):
    model.train()
    for b in torch.randperm(len(train)).split(32):
        x, y = mask(train[b])
        loss = F.cross_entropy(model(x).transpose(1, 2), y)
        opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0); opt.step(); sched.step()
    model.eval()
    with torch.no_grad():
        x, y = mask(val); out = model(x)
        print(epoch, loss.item(), F.cross_entropy(out.flatten(0, 1), y.flatten()).item())
