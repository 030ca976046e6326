"""Character transformer: causal attention, no-decay groups, warm-up and cosine."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1337)
r = torch.Generator().manual_seed(1337)
subjects, verbs, objects = "the cat,a dog,my bird,the fox,our goat,one owl,that crow,an old hen,the calf,a wasp,his pony,the newt".split(","), "sees likes hunts feeds hears meets finds wakes".split(), "a mouse,the sun,some fish,two eggs,the barn,a worm,my shoe,red clay,the moon,a leaf,warm milk,the gate".split(",")
pick = lambda xs: xs[int(torch.randint(len(xs), (1,), generator=r))]
text = ". ".join(f"{pick(subjects)} {pick(verbs)} {pick(objects)}" for _ in range(1200))
vocab = sorted(set(text))
data = torch.tensor([vocab.index(c) for c in text])
split = int(len(data) * 0.9)
train_data, val_data = data[:split], data[split:]

block_size, batch_size, n_embd, n_head, max_iters, warmup = 24, 16, 48, 4, 200, 20


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(n_embd, 3 * n_embd)
        self.proj = nn.Linear(n_embd, n_embd)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, n_head, C // n_head).transpose(1, 2) for t in self.qkv(x).split(C, dim=2))
        att = q @ k.transpose(-2, -1) / math.sqrt(C // n_head)
        att = att.masked_fill(self.tril[:T, :T] == 0, float("-inf")).softmax(-1)
        return self.proj((att @ v).transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = CausalSelfAttention()
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(len(vocab), n_embd), nn.Embedding(block_size, n_embd)
        self.h = nn.Sequential(Block(), Block())
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, len(vocab), bias=False)
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
            if getattr(m, "bias", None) is not None:
                nn.init.zeros_(m.bias)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln_f(self.h(x)))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


def get_batch(source):
    ix = torch.randint(len(source) - block_size - 1, (batch_size,))
    chunk = torch.stack([source[i:i + block_size + 1] for i in ix])
    return chunk[:, :-1], chunk[:, 1:]


def get_lr(it):
    if it < warmup:
        return 3e-3 * (it + 1) / warmup
    return 3e-4 + 0.5 * (3e-3 - 3e-4) * (1 + math.cos(math.pi * (it - warmup) / (max_iters - warmup)))


model = GPT()
decay = [p for p in model.parameters() if p.dim() >= 2]
no_decay = [p for p in model.parameters() if p.dim() < 2]
optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}],
                              lr=3e-3, betas=(0.9, 0.95))
for it in range(max_iters):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    model.train()
    _, loss = model(*get_batch(train_data))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    if (it + 1) % 50 == 0:
        model.eval()
        with torch.no_grad():
            val = torch.stack([model(*get_batch(val_data))[1] for _ in range(5)]).mean()
        print(f"iter {it + 1}: train {loss.item():.3f} val {val.item():.3f}")
