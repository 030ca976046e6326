import torch, torch.nn as nn

torch.manual_seed(0)
t = torch.linspace(0, 60, 3000)
s = torch.sin(t) + 0.3 * torch.sin(3.1 * t)
rnn, head = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)
opt = torch.optim.Adam(list(rnn.parameters()) + list(head.parameters()), 5e-3)
for e in range(4):
    state = None
    for i in range(0, 2400, 60):
        x, y = s[i : i + 60].view(1, -1, 1), s[i + 1 : i + 61].view(1, -1, 1)
        o, state = rnn(x, state)
        state = tuple(v.detach() for v in state)
        l = nn.functional.mse_loss(head(o), y)
        opt.zero_grad()
        l.backward()
        nn.utils.clip_grad_norm_(rnn.parameters(), 1)
        opt.step()
    with torch.no_grad():
        o, _ = rnn(s[2400:2999].view(1, -1, 1))
        print(e, nn.functional.mse_loss(head(o), s[2401:3000].view(1, -1, 1)).item())
