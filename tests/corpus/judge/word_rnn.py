"""Character model of invented town names; samples a few at the end."""
import argparse
import random

import torch
import torch.nn as nn

START = ["ash", "bram", "cald", "dun", "elm", "fern", "glen", "hart", "kirk", "lang", "mar", "nor", "oak", "stan", "thorn", "west"]
MID = ["", "", "er", "en", "ing", "le", "a"]
END = ["ton", "ham", "ley", "field", "ford", "wick", "bury", "by", "worth", "mouth"]


def town(rnd):
    return rnd.choice(START) + rnd.choice(MID) + rnd.choice(END)


class NameModel(nn.Module):
    def __init__(self, n_chars, embed=24, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(n_chars, embed)
        self.gru = nn.GRU(embed, hidden, batch_first=True)
        self.proj = nn.Linear(hidden, n_chars)

    def forward(self, tokens, state=None, temperature=1.0):
        out, state = self.gru(self.embed(tokens), state)
        return torch.softmax(self.proj(out) / temperature, dim=-1), state


@torch.no_grad()
def sample(model, chars, max_len=16, temperature=0.8):
    model.eval()
    token, state, text = torch.zeros(1, 1, dtype=torch.long), None, ""
    for _ in range(max_len):
        dist, state = model(token, state, temperature)
        token = torch.multinomial(dist[:, -1], 1)
        if token.item() == 0:
            break
        text += chars[token.item()]
    return text


def encode(names, index, length):
    rows = torch.zeros(len(names), length + 2, dtype=torch.long)
    for i, name in enumerate(names):
        for j, c in enumerate(name):
            rows[i, j + 1] = index[c]
    return rows


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--lr", type=float, default=5e-3)
    args = ap.parse_args()
    rnd = random.Random(0)
    torch.manual_seed(0)

    names = sorted({town(rnd) for _ in range(4000)})
    rnd.shuffle(names)
    chars = ["\0"] + sorted(set("".join(names)))
    index = {c: i for i, c in enumerate(chars)}
    rows = encode(names, index, max(map(len, names)))
    cut = int(0.85 * len(rows))
    train, valid = rows[:cut], rows[cut:]

    model = NameModel(len(chars))
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(train)).split(args.batch_size):
            batch = train[idx]
            dist, _ = model(batch[:, :-1])
            loss = criterion(dist.reshape(-1, len(chars)), batch[:, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            dist, _ = model(valid[:, :-1])
            hit = (dist.argmax(-1) == valid[:, 1:]).float().mean().item()
            val = criterion(dist.reshape(-1, len(chars)), valid[:, 1:].reshape(-1)).item()
        print(f"epoch {epoch:2d} | train {total / len(train):.4f} | valid {val:.4f} | next-char acc {hit:.3f}")
    print("samples:", ", ".join(sample(model, chars) for _ in range(6)))


if __name__ == "__main__":
    main()
