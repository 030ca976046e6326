import torch, torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)


def make(n):
    return [(s := torch.randint(1, 20, (int(torch.randint(4, 15, ())),)), (s % 3)) for _ in range(n)]


def collate(b):
    xs, ys = zip(*b)
    return pad_sequence(xs, True), pad_sequence(ys, True, -100), torch.tensor([len(x) for x in xs])


class T(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(20, 16, padding_idx=0)
        self.r = nn.LSTM(16, 24, batch_first=True, bidirectional=True)
        self.o = nn.Linear(48, 3)

    def forward(self, x, n):
        o, _ = self.r(pack_padded_sequence(self.e(x), n, True, False))
        o, _ = pad_packed_sequence(o, True)
        return self.o(o)


m = T()
opt = torch.optim.Adam(m.parameters(), 5e-3)
crit = nn.CrossEntropyLoss(ignore_index=-100)
tr, va = (
    DataLoader(make(500), 25, shuffle=True, collate_fn=collate),
    DataLoader(make(100), 50, collate_fn=collate),
)
for e in range(4):
    m.train()
    for x, y, n in tr:
        opt.zero_grad()
        l = crit(m(x, n).transpose(1, 2), y)
        l.backward()
        opt.step()
    m.eval()
    with torch.no_grad():
        ok = tot = 0
        for x, y, n in va:
            k = y != -100
            ok += (m(x, n).argmax(-1)[k] == y[k]).sum().item()
            tot += k.sum().item()
    print(e, ok / tot)
