import torch
import torch.nn as nn

torch.manual_seed(1234)

text = ("the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. "
        "how vexingly quick daft zebras jump. sphinx of black quartz, judge my vow. ") * 24
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
itos = {i: c for c, i in stoi.items()}
data = torch.tensor([stoi[c] for c in text])
block = 32


class CharLSTM(nn.Module):
    def __init__(self, vocab, dim=32, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embed(x), state)
        return self.fc(out), state


def get_batch(batch_size=32):
    ix = torch.randint(0, len(data) - block - 1, (batch_size,))
    x = torch.stack([data[i:i + block] for i in ix])
    y = torch.stack([data[i + 1:i + block + 1] for i in ix])
    return x, y


def sample(model, start="the ", length=80):
    model.eval()
    state, out = None, list(start)
    inp = torch.tensor([[stoi[c] for c in start]])
    with torch.no_grad():
        for _ in range(length):
            logits, state = model(inp, state)
            probs = torch.softmax(logits[0, -1], dim=-1)
            inp = torch.multinomial(probs, 1)[None]
            out.append(itos[inp.item()])
    model.train()
    return "".join(out)


model = CharLSTM(len(chars))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()

for step in range(301):
    x, y = get_batch()
    logits, _ = model(x)
    loss = criterion(logits.view(-1, len(chars)), y.view(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if step % 100 == 0:
        print(step, round(loss.item(), 4))

print(sample(model))
