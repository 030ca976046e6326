"""HF-style trainer: warm-up and linear decay, text classification with an embedding bag."""
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

TOPICS = {
    "sport": "goal team match coach player season win league score ball".split(),
    "food": "bread oven salt dinner taste sugar kitchen cook soup plate".split(),
    "space": "orbit rocket planet star launch moon comet probe crew gravity".split(),
    "money": "bank price market loan stock trade cash profit tax share".split(),
}
FILLER = "the a of and in was for with that this it on as by from very new old one two".split()


@dataclass
class TrainingArguments:
    num_train_epochs: int = 10
    train_batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01
    seed: int = 31


class Headlines(Dataset):
    def __init__(self, n, seed, vocab, topical=0.22):
        rnd = random.Random(seed)
        names = list(TOPICS)
        self.items = []
        for _ in range(n):
            label = rnd.randrange(len(names))
            words = []
            for _ in range(rnd.randint(8, 16)):
                u = rnd.random()
                pool = TOPICS[names[label]] if u < topical else TOPICS[rnd.choice(names)] if u < 0.35 else FILLER
                words.append(vocab[rnd.choice(pool)])
            self.items.append((words, label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    words, labels = zip(*batch)
    offsets = torch.tensor([0] + [len(w) for w in words[:-1]]).cumsum(0)
    return torch.tensor(sum(words, [])), offsets, torch.tensor(labels)


class BagClassifier(nn.Module):
    def __init__(self, vocab, dim=32, classes=4):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab, dim, mode="mean")
        self.mlp = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, words, offsets):
        return self.mlp(self.bag(words, offsets))


def get_linear_schedule_with_warmup(optimizer, num_warmup_steps, num_training_steps):
    def factor(step):
        if step < num_warmup_steps:
            return (step + 1) / num_warmup_steps
        return max(0.0, (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps))
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


class Trainer:
    def __init__(self, model, args, train_set, eval_set):
        self.model, self.args = model, args
        self.train_loader = DataLoader(train_set, args.train_batch_size, shuffle=True, collate_fn=collate)
        self.eval_loader = DataLoader(eval_set, 128, collate_fn=collate)
        self.criterion = nn.CrossEntropyLoss()
        self.create_optimizer_and_scheduler(num_training_steps=len(self.train_loader))

    def create_optimizer_and_scheduler(self, num_training_steps):
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.args.learning_rate,
                                           weight_decay=self.args.weight_decay)
        warmup = int(self.args.warmup_ratio * num_training_steps)
        self.lr_scheduler = get_linear_schedule_with_warmup(self.optimizer, warmup, num_training_steps)

    def train(self):
        for epoch in range(self.args.num_train_epochs):
            self.model.train()
            tr_loss = 0.0
            for words, offsets, labels in self.train_loader:
                loss = self.criterion(self.model(words, offsets), labels)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.lr_scheduler.step()
                tr_loss += loss.item()
            print(f"epoch {epoch + 1}: loss {tr_loss / len(self.train_loader):.4f}", self.evaluate())

    def evaluate(self):
        self.model.eval()
        loss = right = 0
        with torch.no_grad():
            for words, offsets, labels in self.eval_loader:
                out = self.model(words, offsets)
                loss += self.criterion(out, labels).item() * len(labels)
                right += (out.argmax(1) == labels).sum().item()
        n = len(self.eval_loader.dataset)
        return {"eval_loss": round(loss / n, 4), "eval_accuracy": round(right / n, 4)}


if __name__ == "__main__":
    args = TrainingArguments()
    torch.manual_seed(args.seed)
    words = sorted({w for ws in TOPICS.values() for w in ws} | set(FILLER))
    vocab = {w: i for i, w in enumerate(words)}
    Trainer(BagClassifier(len(vocab)), args, Headlines(3000, 1, vocab), Headlines(600, 2, vocab)).train()
