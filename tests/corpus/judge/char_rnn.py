"""Character language model with truncated BPTT: the hidden state is carried from chunk to chunk and detached."""
import random
import math
import torch
from torch import nn

torch.manual_seed(1)
rnd = random.Random(1)

people = "miller fox brother captain neighbour queen baker soldier painter doctor sister farmer".split()
kinds = "young old tired clever silent angry lucky hungry famous nervous rich gentle".split()
verbs = "sold carried found forgot painted borrowed lost hid bought cleaned burned wanted drew moved".split()
objects_ = "spoon apple boat box letter candle ladder wheel carpet kettle hammer mirror coat basket".split()
places = ["at the harbour", "in the forest", "near the mill", "behind the church", "on the hill", "by the road",
          "under the bridge", "in a barn", "outside town", "at home"]


def line():
    s = f"the {rnd.choice(kinds)} {rnd.choice(people)} {rnd.choice(verbs)} "
    s += f"{rnd.choice(['a', 'the', 'every'])} {rnd.choice(kinds)} {rnd.choice(objects_)}"
    if rnd.random() < 0.7:
        s += " " + rnd.choice(places)
    return s + ".\n"


text = "".join(line() for _ in range(1400))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
cut = int(0.9 * len(ids))
print(len(text), "characters,", len(chars), "distinct")
print(text[:120])


def batchify(d, streams):
    n = len(d) // streams
    return d[: n * streams].view(streams, n).t().contiguous()


BPTT = 40
train, val = batchify(ids[:cut], 32), batchify(ids[cut:], 8)


class CharRNN(nn.Module):
    def __init__(self, n, emb=24, hid=72):
        super().__init__()
        self.emb = nn.Embedding(n, emb)
        self.rnn = nn.GRU(emb, hid)
        self.dec = nn.Linear(hid, n)

    def forward(self, x, h=None):
        o, h = self.rnn(self.emb(x), h)
        return self.dec(o), h


model = CharRNN(len(chars))
ce = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.6)


def chunks(data):
    for i in range(0, data.size(0) - 1, BPTT):
        n = min(BPTT, data.size(0) - 1 - i)
        yield data[i:i + n], data[i + 1:i + 1 + n]


def evaluate():
    model.eval()
    h, tot, cnt = None, 0.0, 0
    with torch.no_grad():
        for x, y in chunks(val):
            o, h = model(x, h)
            tot += ce(o.flatten(0, 1), y.flatten()).item() * y.numel()
            cnt += y.numel()
    return tot / cnt


def sample(n=80, temperature=0.7):
    model.eval()
    x, h, out = torch.tensor([[stoi["t"]]]), None, "t"
    with torch.no_grad():
        for _ in range(n):
            o, h = model(x, h)
            k = torch.multinomial((o[-1, 0] / temperature).softmax(0), 1)
            out += chars[k.item()]
            x = k.view(1, 1)
    return out


for epoch in range(5):
    model.train()
    hidden = None
    tot = cnt = 0
    for x, y in chunks(train):
        if hidden is not None:
            hidden = hidden.detach()
        logits, hidden = model(x, hidden)
        loss = ce(logits.flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        opt.step()
        tot += loss.item() * y.numel()
        cnt += y.numel()
    sched.step()
    v = evaluate()
    print(f"epoch {epoch} train {tot / cnt:.3f} val {v:.3f} ppl {math.exp(v):.2f} | {sample(40)!r}")
