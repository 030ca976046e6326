"""Encoder-decoder with additive attention that writes a sequence backwards."""
import torch
from torch import nn

K, T = 8, 6


class Encoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.embedding = nn.Embedding(K, 24)
        self.rnn = nn.GRU(24, h, batch_first=True)

    def forward(self, src):
        return self.rnn(self.embedding(src))


class AttentionDecoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.embedding = nn.Embedding(K + 1, 24)
        self.rnn = nn.GRU(24, h, batch_first=True)
        self.query, self.key, self.energy = nn.Linear(h, h), nn.Linear(h, h), nn.Linear(h, 1)
        self.out = nn.Linear(2 * h, K)

    def forward(self, prev, memory, state):
        states, _ = self.rnn(self.embedding(prev), state)
        e = self.energy(torch.tanh(self.query(states)[:, :, None] + self.key(memory)[:, None])).squeeze(-1)
        context = torch.softmax(e, dim=-1) @ memory
        return self.out(torch.cat([states, context], -1))


class Reverser(nn.Module):
    def __init__(self, h=48):
        super().__init__()
        self.encoder, self.decoder = Encoder(h), AttentionDecoder(h)

    def forward(self, src, tgt):
        memory, state = self.encoder(src)
        bos = torch.full((len(src), 1), K)
        return self.decoder(torch.cat([bos, tgt[:, :-1]], 1), memory, state)


def sample(n, generator):
    src = torch.randint(0, K, (n, T), generator=generator)
    return src, src.flip(1)


torch.manual_seed(6)
stream, fixed = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
val_src, val_tgt = sample(300, fixed)
model = Reverser()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
ce = nn.CrossEntropyLoss()
for step in range(1, 361):
    model.train()
    src, tgt = sample(48, stream)
    optimizer.zero_grad()
    loss = ce(model(src, tgt).transpose(1, 2), tgt)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    if step % 60 == 0:
        model.eval()
        with torch.no_grad():
            z = model(val_src, val_tgt)
            print(f"step {step} train {loss.item():.3f} val {ce(z.transpose(1, 2), val_tgt).item():.3f} "
                  f"token acc {(z.argmax(-1) == val_tgt).float().mean().item():.3f}")
