"""Tags every token of a synthetic command language with a small transformer encoder."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    vocab: int = 40
    tags: int = 5
    length: int = 12
    d_model: int = 48
    heads: int = 4
    layers: int = 2
    epochs: int = 6
    batch_size: int = 64
    lr: float = 3e-3
    seed: int = 5


class Commands(Dataset):
    """The first token sets the mode of the whole command and with it the meaning of the others."""

    def __init__(self, n, cfg, seed):
        g = torch.Generator().manual_seed(seed)
        body = torch.randint(2, cfg.vocab, (n, cfg.length - 1), generator=g)
        mode = torch.randint(0, 2, (n, 1), generator=g)
        self.x = torch.cat([mode, body], 1)
        self.y = torch.where(mode == 0, self.x % cfg.tags, (self.x // 8) % cfg.tags)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Tagger(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.tok = nn.Embedding(cfg.vocab, cfg.d_model)
        self.pos = nn.Parameter(torch.randn(1, cfg.length, cfg.d_model) * 0.02)
        layer = nn.TransformerEncoderLayer(cfg.d_model, cfg.heads, 2 * cfg.d_model, dropout=0.0,
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, cfg.layers, enable_nested_tensor=False)
        self.head = nn.Linear(cfg.d_model, cfg.tags)

    def forward(self, tokens):
        h = self.encoder(self.tok(tokens) + self.pos)
        return F.log_softmax(self.head(h), dim=1)


class Trainer:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        self.model = Tagger(cfg)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=0.01)
        self.train_loader = DataLoader(Commands(1200, cfg, 1), cfg.batch_size, shuffle=True)
        self.val_loader = DataLoader(Commands(400, cfg, 2), cfg.batch_size)

    def loss(self, log_probs, tags):
        return F.nll_loss(log_probs.reshape(-1, self.cfg.tags), tags.reshape(-1))

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for tokens, tags in self.train_loader:
            self.opt.zero_grad(set_to_none=True)
            loss = self.loss(self.model(tokens), tags)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(tokens)
        return total / len(self.train_loader.dataset)

    @torch.inference_mode()
    def validate(self):
        self.model.eval()
        total, right, count = 0.0, 0, 0
        for tokens, tags in self.val_loader:
            log_probs = self.model(tokens)
            total += self.loss(log_probs, tags).item() * len(tokens)
            right += (log_probs.argmax(-1) == tags).sum().item()
            count += tags.numel()
        return total / len(self.val_loader.dataset), right / count

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            train = self.train_epoch()
            val, acc = self.validate()
            print(f"[{epoch}/{self.cfg.epochs}] train_loss={train:.4f} val_loss={val:.4f} token_acc={acc:.3f}")


if __name__ == "__main__":
    Trainer(Config()).fit()
