import tempfile; import torch
import torch.nn as nn
import torch.optim as O


class Bottle(nn.Module):
    def forward(self, input):
        if len(input.size()) <= 2:
            return super(Bottle, self).forward(input)
        size = input.size()[:2]
        out = super(Bottle, self).forward(input.view(size[0]*size[1], -1))
        return out.view(size[0], size[1], -1)


class Linear(Bottle, nn.Linear):
    pass


class Encoder(nn.Module):
    def __init__(self, d_in, d_hidden, n_layers):
        super().__init__()
        self.n, self.d = n_layers, d_hidden
        self.rnn = nn.LSTM(input_size=d_in, hidden_size=d_hidden, num_layers=n_layers, dropout=0.0, bidirectional=True)

    def forward(self, inputs):
        batch_size = inputs.size()[1]
        h0 = c0 = inputs.new_zeros((2 * self.n, batch_size, self.d))
        outputs, (ht, ct) = self.rnn(inputs, (h0, c0))
        return ht[-2:].transpose(0, 1).contiguous().view(batch_size, -1)


class SNLIClassifier(nn.Module):
    def __init__(self, n_embed=60, d_embed=32, d_proj=32, d_hidden=32, d_out=3):
        super().__init__()
        self.fix_emb = True
        self.embed = nn.Embedding(n_embed, d_embed)
        self.projection = Linear(d_embed, d_proj)
        self.encoder = Encoder(d_proj, d_hidden, 1)
        self.dropout = nn.Dropout(p=0.2)
        self.relu = nn.ReLU()
        seq_in_size = 2 * d_hidden * 2
        lin_config = [seq_in_size] * 2
        self.out = nn.Sequential(Linear(*lin_config), self.relu, self.dropout, Linear(*lin_config), self.relu, self.dropout,
                                 Linear(*lin_config), self.relu, self.dropout, Linear(seq_in_size, d_out))

    def forward(self, batch):
        prem_embed = self.embed(batch["premise"])
        hypo_embed = self.embed(batch["hypothesis"])
        if self.fix_emb:
            prem_embed = prem_embed.detach()
            hypo_embed = hypo_embed.detach()
        prem_embed = self.relu(self.projection(prem_embed))
        hypo_embed = self.relu(self.projection(hypo_embed))
        premise = self.encoder(prem_embed)
        hypothesis = self.encoder(hypo_embed)
        scores = self.out(torch.cat([premise, hypothesis], 1))
        return scores


torch.manual_seed(0)
P = torch.randint(0, 60, (2000, 9))
lab = torch.randint(0, 3, (2000,))
H = torch.where(lab[:, None] == 0, P, torch.where(lab[:, None] == 1, (P + 30) % 60, torch.randint(0, 60, (2000, 9))))
model = SNLIClassifier()
criterion = nn.CrossEntropyLoss()
opt = O.Adam(model.parameters(), lr=1e-3)
best_dev_acc = -1
iterations = 0
for epoch in range(4):
    n_correct, n_total = 0, 0
    for idx in torch.randperm(1600).split(64):
        model.train()
        opt.zero_grad()
        iterations += 1
        answer = model({"premise": P[idx].T, "hypothesis": H[idx].T})
        n_correct += (torch.max(answer, 1)[1].view(lab[idx].size()) == lab[idx]).sum().item()
        n_total += len(idx)
        train_acc = 100. * n_correct / n_total
        loss = criterion(answer, lab[idx])
        loss.backward()
        opt.step()
        if iterations % 25 == 0:
            model.eval()
            n_dev_correct = 0
            with torch.no_grad():
                for j in range(1600, 2000, 100):
                    answer = model({"premise": P[j:j+100].T, "hypothesis": H[j:j+100].T})
                    n_dev_correct += (torch.max(answer, 1)[1] == lab[j:j+100]).sum().item()
                    dev_loss = criterion(answer, lab[j:j+100])
            dev_acc = 100. * n_dev_correct / 400
            print(epoch, iterations, loss.item(), dev_loss.item(), train_acc, dev_acc)
            if dev_acc > best_dev_acc:
                best_dev_acc = dev_acc
                torch.save(model.state_dict(), tempfile.gettempdir() + "/snli.pt")
