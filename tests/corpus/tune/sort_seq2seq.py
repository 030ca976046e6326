"""Sequence-to-sequence toy: read six symbols, write them in the opposite order."""
import random

import torch
from torch import nn

SYMBOLS, LENGTH, START = 8, 6, 8


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)

    def forward(self, src):
        out, state = self.gru(self.emb(src))
        return out, state


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.emb = nn.Embedding(SYMBOLS + 1, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.out = nn.Linear(hidden, SYMBOLS)

    def forward(self, prev, state):
        out, state = self.gru(self.emb(prev), state)
        return self.out(out), state


class Seq2Seq(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.encoder = Encoder(hidden)
        self.decoder = Decoder(hidden)

    def forward(self, src, tgt):
        _, state = self.encoder(src)
        state = self.fresh(state)
        start = torch.full((len(src), 1), START)
        logits, _ = self.decoder(torch.cat([start, tgt[:, :-1]], 1), state)
        return logits

    @staticmethod
    def fresh(state):
        return state.clone().detach()


def batch(n):
    src = torch.randint(0, SYMBOLS, (n, LENGTH))
    return src, src.flip(1)


def main():
    random.seed(0)
    torch.manual_seed(0)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    ce = nn.CrossEntropyLoss()
    val_src, val_tgt = batch(400)
    for step in range(1, 601):
        model.train()
        src, tgt = batch(48)
        optimizer.zero_grad()
        loss = ce(model(src, tgt).flatten(0, 1), tgt.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                out = model(val_src, val_tgt)
                acc = (out.argmax(-1) == val_tgt).float().mean().item()
                print(f"step {step}: train {loss.item():.3f} val "
                      f"{ce(out.flatten(0, 1), val_tgt.flatten()).item():.3f} token accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
