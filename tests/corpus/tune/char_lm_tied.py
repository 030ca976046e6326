"""Character language model: one causal block, input and output embeddings shared."""
import math
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class GPTConfig:
    vocab_size: int = 0
    block_size: int = 32
    n_embd: int = 48
    n_head: int = 4
    n_layer: int = 1


def make_text(n_sentences, seed):
    rnd = random.Random(seed)
    who = ["the cat", "a dog", "my friend", "the old man", "her sister", "a bird"]
    does = ["sees", "likes", "follows", "hears", "draws", "forgets"]
    what = ["the river", "a red car", "the moon", "some bread", "his house", "a long road"]
    tail = ["today", "at night", "in the rain", "again", "with joy"]
    return " ".join(f"{rnd.choice(who)} {rnd.choice(does)} {rnd.choice(what)} {rnd.choice(tail)}." for _ in range(n_sentences))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.c_attn, self.c_proj = nn.Linear(c.n_embd, 3 * c.n_embd), nn.Linear(c.n_embd, c.n_embd)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))
        self.n_head = c.n_head

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.n_head, -1).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte = nn.Embedding(c.vocab_size, c.n_embd)
        self.wpe = nn.Embedding(c.block_size, c.n_embd)
        self.h = nn.Sequential(*[Block(c) for _ in range(c.n_layer)])
        self.ln_f = nn.LayerNorm(c.n_embd)
        self.lm_head = nn.Linear(c.n_embd, c.vocab_size, bias=False)
        self.apply(self._init_weights)
        self.lm_head.weight = self.wte.weight

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1.0 / math.sqrt(module.in_features))
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1]))
        logits = self.lm_head(self.ln_f(self.h(x)))
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def windows(ids, block, starts):
    x = torch.stack([ids[s:s + block] for s in starts])
    y = torch.stack([ids[s + 1:s + block + 1] for s in starts])
    return x, y


def main(steps=220, batch=16, eval_every=44):
    torch.manual_seed(1337)
    text = make_text(900, seed=0)
    chars = sorted(set(text))
    stoi = {c: i for i, c in enumerate(chars)}
    ids = torch.tensor([stoi[c] for c in text])
    cut = int(0.9 * len(ids))
    train_ids, val_ids = ids[:cut], ids[cut:]
    cfg = GPTConfig(vocab_size=len(chars))
    model = GPT(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.01)
    val_starts = range(0, len(val_ids) - cfg.block_size - 1, cfg.block_size)
    val_x, val_y = windows(val_ids, cfg.block_size, val_starts)
    recent = []
    for step in range(1, steps + 1):
        model.train()
        starts = torch.randint(0, len(train_ids) - cfg.block_size - 1, (batch,)).tolist()
        _, loss = model(*windows(train_ids, cfg.block_size, starts))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        recent.append(loss.item())
        if step == 1 or step % eval_every == 0:
            model.eval()
            with torch.no_grad():
                val = model(val_x, val_y)[1].item()
            print(f"step {step:4d} train {sum(recent) / len(recent):.3f} val {val:.3f} (ln V = {math.log(len(chars)):.2f})")
            recent = []


if __name__ == "__main__":
    main()
