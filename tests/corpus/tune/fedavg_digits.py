import argparse, copy
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def get_parser():
    p = argparse.ArgumentParser("fedavg")
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--rounds", type=int, default=14)
    p.add_argument("--local-epochs", type=int, default=2)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--alpha", type=float, default=1.0)
    return p


def build():
    return nn.Sequential(nn.Linear(64, 48), nn.GroupNorm(6, 48), nn.ReLU(), nn.Linear(48, 10))


def dirichlet_split(y, k, alpha):
    shares = torch.distributions.Dirichlet(torch.full((k,), alpha)).sample((10,))
    parts = [[] for _ in range(k)]
    for c in range(10):
        idx = (y == c).nonzero().flatten()
        idx = idx[torch.randperm(len(idx))]
        cuts = (shares[c].cumsum(0) * len(idx)).long()[:-1]
        for j, chunk in enumerate(torch.tensor_split(idx, cuts)):
            parts[j].append(chunk)
    return [torch.cat(p) for p in parts]


def local_update(global_model, x, y, args):
    model = copy.deepcopy(global_model)
    model.train()
    opt = torch.optim.SGD(model.parameters(), lr=args.lr)
    first = None
    for _ in range(args.local_epochs):
        for idx in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            first = loss.item() if first is None else first
    return model.state_dict(), len(x), first


def aggregate(states):
    n = sum(w for _, w, _ in states)
    return {k: sum(s[k] * (w / n) for s, w, _ in states) for k in states[0][0]}


def main():
    args = get_parser().parse_args()
    torch.manual_seed(21)
    d = load_digits()
    X = torch.tensor(d.data, dtype=torch.float32) / 16
    Y = torch.tensor(d.target)
    perm = torch.randperm(len(Y))
    te, tr = perm[:400], perm[400:]
    parts = [tr[p] for p in dirichlet_split(Y[tr], args.clients, args.alpha)]
    print("client sizes", [len(p) for p in parts])
    server = build()
    for rnd in range(args.rounds):
        chosen = torch.randperm(args.clients)[:6].tolist()
        states = [local_update(server, X[parts[c]], Y[parts[c]], args) for c in chosen]
        server.load_state_dict(aggregate(states))
        server.eval()
        with torch.inference_mode():
            out = server(X[te])
            ce = nn.functional.cross_entropy(out, Y[te]).item()
            acc = (out.argmax(1) == Y[te]).float().mean().item()
        print(f"round {rnd:2d} test ce {ce:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
