"""Encoder-decoder GRU that sorts short strings of symbols."""
import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

SYMBOLS, LENGTH, BOS = 10, 7, 10


def sample(n, gen):
    src = torch.randint(0, SYMBOLS, (n, LENGTH), generator=gen)
    return src, src.sort(dim=1).values


class Seq2Seq(nn.Module):
    def __init__(self, emb=16, hid=64):
        super().__init__()
        self.src_emb = nn.Embedding(SYMBOLS, emb)
        self.tgt_emb = nn.Embedding(SYMBOLS + 1, emb)
        self.encoder = nn.GRU(emb, hid, batch_first=True)
        self.decoder = nn.GRU(emb, hid, batch_first=True)
        self.project = nn.Linear(hid, SYMBOLS)

    def forward(self, src, tgt):
        _, state = self.encoder(self.src_emb(src))
        start = torch.full((len(tgt), 1), BOS)
        shifted = torch.cat([start, tgt[:, :-1]], dim=1)
        out, _ = self.decoder(self.tgt_emb(shifted), state)
        return self.project(out)

    def greedy(self, src):
        _, state = self.encoder(self.src_emb(src))
        tok, result = torch.full((len(src), 1), BOS), []
        for _ in range(LENGTH):
            out, state = self.decoder(self.tgt_emb(tok), state)
            tok = self.project(out).argmax(-1)
            result.append(tok)
        return torch.cat(result, dim=1)


def main(steps=320, clip=1.0):
    torch.manual_seed(9)
    gen = torch.Generator().manual_seed(77)
    val_src, val_tgt = sample(300, torch.Generator().manual_seed(78))
    net = Seq2Seq()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    ce = nn.CrossEntropyLoss()
    for step in range(1, steps + 1):
        net.train()
        src, tgt = sample(64, gen)
        loss = ce(net(src, tgt).flatten(0, 1), tgt.flatten())
        opt.zero_grad(set_to_none=False)
        clip_grad_norm_(net.parameters(), clip)
        loss.backward()
        opt.step()
        if step % 80 == 0:
            net.eval()
            with torch.no_grad():
                val = ce(net(val_src, val_tgt).flatten(0, 1), val_tgt.flatten()).item()
                exact = (net.greedy(val_src) == val_tgt).all(dim=1).float().mean().item()
            print(f"step {step} loss {loss.item():.3f} val {val:.3f} exact {exact:.3f}")


if __name__ == "__main__":
    main()
