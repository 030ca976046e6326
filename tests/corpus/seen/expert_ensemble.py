import torch
from torch import nn, optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Expert(nn.Module):
    def __init__(self, d, k):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(d, 32), nn.Tanh(), nn.Linear(32, k))

    def forward(self, x):
        return self.f(x)


class MixtureOfExperts(nn.Module):
    """Soft mixture: the gate weights the logits of every expert."""

    def __init__(self, d, k, n_experts=4):
        super().__init__()
        self.gate = nn.Linear(d, n_experts)
        self.experts = [Expert(d, k) for _ in range(n_experts)]

    def forward(self, x):
        w = self.gate(x).softmax(-1)
        z = torch.stack([e(x) for e in self.experts], dim=1)
        return (w.unsqueeze(-1) * z).sum(1)


torch.manual_seed(8)
X, y = load_digits(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X / 16.0, y, test_size=0.2, random_state=8)
Xa, Xb = torch.FloatTensor(Xa), torch.FloatTensor(Xb)
ya, yb = torch.LongTensor(ya), torch.LongTensor(yb)
moe = MixtureOfExperts(64, 10)
optimizer = optim.Adam(moe.parameters(), lr=0.02)
lossf = nn.CrossEntropyLoss()
print("trainable:", sum(p.numel() for p in moe.parameters()))
for epoch in range(25):
    moe.train()
    perm = torch.randperm(len(Xa))
    for i in range(0, len(Xa), 64):
        j = perm[i:i + 64]
        optimizer.zero_grad()
        lossf(moe(Xa[j]), ya[j]).backward()
        optimizer.step()
    if (epoch + 1) % 5 == 0:
        moe.eval()
        with torch.no_grad():
            out = moe(Xb)
            print(epoch + 1, "test loss %.3f acc %.3f" % (lossf(out, yb), (out.argmax(1) == yb).float().mean()))
