"""Anomaly detection in service logs: an LSTM predicts the next event id; sessions with improbable events are flagged (DeepLog style)."""
import random
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, Dataset

EVENTS = ["START", "AUTH_OK", "AUTH_FAIL", "READ", "WRITE", "CACHE_HIT", "CACHE_MISS", "QUERY", "COMMIT", "RETRY", "CLOSE", "TIMEOUT",
          "LIST", "UPLOAD", "SCAN", "DELETE", "CONFIRM", "REFRESH", "LOCK", "UNLOCK"]
E = {e: i for i, e in enumerate(EVENTS)}


def normal_session(r):
    s = ["START"]
    while r.random() < 0.15:
        s.append("AUTH_FAIL")
    s.append("AUTH_OK")
    for _ in range(r.randint(4, 10)):
        k = r.random()
        if k < 0.3:
            s.append("READ")
            s += ["CACHE_HIT"] if r.random() < 0.5 else ["CACHE_MISS", "QUERY"]
        elif k < 0.45:
            s += ["LIST"] + ["REFRESH"] * r.randint(0, 2)
        elif k < 0.6:
            s += ["UPLOAD", "SCAN"] + (["RETRY", "SCAN"] if r.random() < 0.3 else [])
        elif k < 0.75:
            s += ["LOCK", "DELETE", "CONFIRM", "UNLOCK"]
        else:
            s.append("WRITE")
            if r.random() < 0.2:
                s += ["TIMEOUT", "RETRY"]
            s += ["QUERY", "COMMIT"]
    return [E[e] for e in s + ["CLOSE"]]


def broken_session(r):
    s = normal_session(r)
    for _ in range(2):
        s[r.randrange(2, len(s) - 1)] = r.randrange(len(EVENTS))
    return s


class Streams(Dataset):
    """fixed-length pieces of a long stream of concatenated sessions"""

    def __init__(self, sessions, length=40):
        flat = [e for s in sessions for e in s]
        n = (len(flat) - 1) // length
        t = torch.tensor(flat[:n * length + 1])
        self.x, self.y = t[:-1].view(n, length), t[1:].view(n, length)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class NextEvent(nn.Module):
    def __init__(self, n, d=12, h=40):
        super().__init__()
        self.e, self.l, self.o = nn.Embedding(n, d), nn.LSTM(d, h, batch_first=True), nn.Linear(h, n)

    def forward(self, x):
        return self.o(self.l(self.e(x))[0])


def nll(model, session):
    t = torch.tensor(session)
    with torch.no_grad():
        lp = model(t[None, :-1])[0].log_softmax(-1)
    return -lp.gather(1, t[1:, None]).min().item()      # the most surprising event


def main():
    torch.manual_seed(80)
    r = random.Random(80)
    train, val = Streams([normal_session(r) for _ in range(1500)]), Streams([normal_session(r) for _ in range(300)])
    print(len(train), "pieces; first:", [EVENTS[i] for i in train[0][0][:10].tolist()])
    model = NextEvent(len(EVENTS))
    ce = nn.CrossEntropyLoss()
    opt = torch.optim.RMSprop(model.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.75)
    tl, vl = DataLoader(train, 32, shuffle=True), DataLoader(val, 64)
    for epoch in range(7):
        model.train()
        tot = 0.0
        for x, y in tl:
            loss = ce(model(x).flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 1.0)
            opt.step()
            tot += loss.item()
        sched.step()
        model.eval()
        with torch.no_grad():
            v = sum(ce(model(x).flatten(0, 1), y.flatten()).item() * len(x) for x, y in vl) / len(val)
        print(f"epoch {epoch} train {tot / len(tl):.4f} val {v:.4f}")
    good = [nll(model, normal_session(r)) for _ in range(150)]
    bad = [nll(model, broken_session(r)) for _ in range(150)]
    print("AUC normal against broken:", roc_auc_score([0] * 150 + [1] * 150, good + bad))


if __name__ == "__main__":
    main()
