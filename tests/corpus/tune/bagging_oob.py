# bagged networks with out-of-bag scores
import numpy as np, torch
from torch.nn import Linear, Sequential, Tanh, CrossEntropyLoss
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

np.random.seed(77); torch.manual_seed(77)
X, y = load_digits(return_X_y=True)
Xd, Xt, yd, yt = train_test_split(X / 16, y, test_size=400, stratify=y, random_state=77)
Xd, Xt = torch.tensor(Xd).float() * 2 - 1, torch.tensor(Xt).float() * 2 - 1
yd, yt = torch.tensor(yd), torch.tensor(yt)
n, B = len(Xd), 5
votes, count, test_p = torch.zeros(n, 10), torch.zeros(n), torch.zeros(len(Xt), 10)
ce = CrossEntropyLoss(label_smoothing=0.05)

for b in range(B):
    bag = torch.from_numpy(np.random.randint(0, n, n))
    oob = torch.ones(n, dtype=torch.bool); oob[bag] = False
    net = Sequential(Linear(64, 48), Tanh(), Linear(48, 10))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=.05)
    for epoch in range(14):
        net.train(); run = 0.
        bag = bag[torch.randperm(n)]
        for i in range(0, n, 50):
            j = bag[i:i + 50]
            loss = ce(net(Xd[j]), yd[j])
            opt.zero_grad(); loss.backward(); opt.step()
            run += loss.item() * len(j) / n
        net.eval()
        with torch.no_grad():
            oob_out = net(Xd[oob]); l = ce(oob_out, yd[oob]).item()
    votes[oob] += oob_out.softmax(1); count[oob] += 1
    with torch.no_grad():
        test_p += net(Xt).softmax(1) / B
    print(f"bag {b}: in-bag {run:.3f}  oob {l:.3f}  oob acc {(oob_out.argmax(1) == yd[oob]).float().mean():.3f}")
seen = count > 0
print("ensemble oob accuracy", (votes[seen].argmax(1) == yd[seen]).float().mean().item(), "on", int(seen.sum()), "rows")
print("test accuracy", (test_p.argmax(1) == yt).float().mean().item())
