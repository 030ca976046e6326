"""Character language model, read in order with a carried hidden state; input and output embeddings are shared."""
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


def story(n_sentences, seed):
    rng = random.Random(seed)
    who = ["the cat", "a dog", "my aunt", "the old king", "nobody", "a small bird"]
    does = ["sees", "likes", "follows", "forgets", "finds", "calls"]
    what = ["the moon", "a red ball", "her brother", "the river", "some bread", "a door"]
    where = ["at night", "in the garden", "by the sea", "every day", "again"]
    out = []
    for _ in range(n_sentences):
        s = f"{rng.choice(who)} {rng.choice(does)} {rng.choice(what)}"
        if rng.random() < 0.5:
            s += " " + rng.choice(where)
        out.append(s + ". ")
    return "".join(out)


class CharLM(nn.Module):
    def __init__(self, vocab, dim=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.rnn = nn.LSTM(dim, dim, batch_first=True)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, tokens, state=None):
        h, state = self.rnn(self.embed(tokens), state)
        return F.linear(h, self.embed.weight, self.bias), state


def columns(ids, batch, steps):
    """Cut one long text into `batch` parallel columns and yield consecutive windows of them."""
    width = (len(ids) - 1) // batch
    x = ids[: batch * width].view(batch, width)
    y = ids[1: batch * width + 1].view(batch, width)
    for i in range(0, width - steps + 1, steps):
        yield x[:, i:i + steps], y[:, i:i + steps]


def detach(state):
    return tuple(s.detach() for s in state)


@torch.no_grad()
def perplexity(model, ids, batch=10, steps=40):
    model.eval()
    state, total, n = None, 0.0, 0
    for x, y in columns(ids, batch, steps):
        logits, state = model(x, state)
        total += F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
        n += y.numel()
    return math.exp(total / n)


def main():
    torch.manual_seed(2)
    train_text, valid_text = story(1500, 1), story(300, 2)
    chars = sorted(set(train_text + valid_text))
    encode = lambda s: torch.tensor([chars.index(c) for c in s])
    train_ids, valid_ids = encode(train_text), encode(valid_text)
    model = CharLM(len(chars))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=6)
    for epoch in range(6):
        model.train()
        state, losses = None, []
        for x, y in columns(train_ids, batch=20, steps=40):
            if state is not None:
                state = detach(state)
            logits, state = model(x, state)
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
        sched.step()
        print(f"epoch {epoch}: train perplexity {math.exp(sum(losses) / len(losses)):.2f}, valid {perplexity(model, valid_ids):.2f}")


if __name__ == "__main__":
    main()
