import random
import torch
from torch import nn
from torch.utils.data import IterableDataset, DataLoader
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence, pad_packed_sequence

SYMS = 6
PROTO = torch.randn(SYMS + 1, 8, generator=torch.Generator().manual_seed(5))


class Utterances(IterableDataset):
    def __init__(self, n, seed, fixed):
        self.n, self.seed, self.fixed, self.pass_no = n, seed, fixed, 0

    def __iter__(self):
        r = random.Random(self.seed if self.fixed else f"{self.seed}-{self.pass_no}")
        self.pass_no += 1
        g = torch.Generator().manual_seed(r.randrange(2 ** 31))
        for _ in range(self.n):
            label = [r.randrange(1, SYMS + 1)]
            while len(label) < r.randint(3, 6):
                label.append(r.choice([s for s in range(1, SYMS + 1) if s != label[-1]]))
            frames = []
            for s in label:
                frames += [0] * r.randint(0, 2) + [s] * r.randint(2, 5)
            x = PROTO[frames] + 0.5 * torch.randn(len(frames), 8, generator=g)
            yield x, torch.tensor(label)


def collate(batch):
    batch = sorted(batch, key=lambda b: -len(b[0]))
    xs, ys = zip(*batch)
    return (pad_sequence(xs, batch_first=True), torch.tensor([len(x) for x in xs]),
            torch.cat(ys), torch.tensor([len(y) for y in ys]))


class Recogniser(nn.Module):
    def __init__(self, h=48):
        super().__init__()
        self.rnn = nn.GRU(8, h, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * h, SYMS + 1)

    def forward(self, x, n):
        h, _ = self.rnn(pack_padded_sequence(x, n, batch_first=True))
        h, _ = pad_packed_sequence(h, batch_first=True)
        return self.out(h).log_softmax(-1).transpose(0, 1)


def edit(a, b):
    d = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        p, d[0] = d[0], i
        for j, y in enumerate(b, 1):
            p, d[j] = d[j], min(d[j] + 1, d[j - 1] + 1, p + (x != y))
    return d[-1]


def greedy(lp, n):
    out = []
    for path, k in zip(lp.argmax(-1).t(), n):
        c = torch.unique_consecutive(path[:k])
        out.append(c[c > 0].tolist())
    return out


def main():
    torch.manual_seed(0)
    train = DataLoader(Utterances(640, 1, False), 32, collate_fn=collate)
    valid = DataLoader(Utterances(200, 2, True), 50, collate_fn=collate)
    model, ctc = Recogniser(), nn.CTCLoss(blank=0)
    opt = torch.optim.Adam(model.parameters(), 5e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.85)
    for ep in range(7):
        model.train()
        tot = k = 0
        for x, n, y, m in train:
            loss = ctc(model(x, n), y, n, m)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            tot += loss.item(); k += 1
        sched.step()
        model.eval()
        err = ref = vl = 0
        with torch.no_grad():
            for x, n, y, m in valid:
                lp = model(x, n)
                vl += ctc(lp, y, n, m).item() / 4
                for h, r in zip(greedy(lp, n), y.split(m.tolist())):
                    err += edit(h, r.tolist()); ref += len(r)
        print(f"epoch {ep} train {tot / k:.3f} valid {vl:.3f} symbol error rate {err / ref:.3f}")


if __name__ == "__main__":
    main()
