import itertools, random
import torch
import torch.nn as nn

torch.manual_seed(1)


def gen():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.InstanceNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.InstanceNorm2d(16), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1), nn.Tanh())


def disc():
    return nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2, True), nn.Conv2d(16, 32, 4, 2, 1), nn.InstanceNorm2d(32), nn.LeakyReLU(0.2, True), nn.Conv2d(32, 1, 3, 1, 1))


def weights_init_normal(m):
    if "Conv" in m.__class__.__name__:
        torch.nn.init.normal_(m.weight.data, 0.0, 0.02)


class ReplayBuffer:
    def __init__(self, max_size=50):
        self.max_size, self.data = max_size, []

    def push_and_pop(self, data):
        out = []
        for element in data.data:
            element = element.unsqueeze(0)
            if len(self.data) < self.max_size:
                self.data.append(element)
                out.append(element)
            elif random.uniform(0, 1) > 0.5:
                i = random.randint(0, self.max_size - 1)
                out.append(self.data[i].clone())
                self.data[i] = element
            else:
                out.append(element)
        return torch.cat(out)


G_AB, G_BA, D_A, D_B = gen(), gen(), disc(), disc()
for n in (G_AB, G_BA, D_A, D_B):
    n.apply(weights_init_normal)
criterion_GAN, criterion_cycle, criterion_identity = nn.MSELoss(), nn.L1Loss(), nn.L1Loss()
optimizer_G = torch.optim.Adam(itertools.chain(G_AB.parameters(), G_BA.parameters()), lr=2e-4, betas=(0.5, 0.999))
optimizer_D_A = torch.optim.Adam(D_A.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizer_D_B = torch.optim.Adam(D_B.parameters(), lr=2e-4, betas=(0.5, 0.999))
sched = [torch.optim.lr_scheduler.LambdaLR(o, lambda e: 1.0 - max(0, e - 3) / 5) for o in (optimizer_G, optimizer_D_A, optimizer_D_B)]
A = (torch.rand(64, 1, 16, 16).cumsum(2) / 8 - 1).clamp(-1, 1)
B = (torch.rand(64, 1, 16, 16).cumsum(3) / 8 - 1).clamp(-1, 1)
buf_A, buf_B = ReplayBuffer(), ReplayBuffer()
for epoch in range(6):
    for i in range(0, 64, 8):
        real_A, real_B = A[i:i + 8], B[torch.randperm(64)[:8]]
        valid, fake = torch.ones(8, 1, 4, 4), torch.zeros(8, 1, 4, 4)
        G_AB.train()
        G_BA.train()
        optimizer_G.zero_grad()
        loss_identity = (criterion_identity(G_BA(real_A), real_A) + criterion_identity(G_AB(real_B), real_B)) / 2
        fake_B = G_AB(real_A)
        loss_GAN_AB = criterion_GAN(D_B(fake_B), valid)
        fake_A = G_BA(real_B)
        loss_GAN_BA = criterion_GAN(D_A(fake_A), valid)
        loss_GAN = (loss_GAN_AB + loss_GAN_BA) / 2
        loss_cycle = (criterion_cycle(G_BA(fake_B), real_A) + criterion_cycle(G_AB(fake_A), real_B)) / 2
        loss_G = loss_GAN + 10 * loss_cycle + 5 * loss_identity
        loss_G.backward()
        optimizer_G.step()

        optimizer_D_A.zero_grad()
        loss_D_A = (criterion_GAN(D_A(real_A), valid) + criterion_GAN(D_A(buf_A.push_and_pop(fake_A).detach()), fake)) / 2
        loss_D_A.backward()
        optimizer_D_A.step()

        optimizer_D_B.zero_grad()
        loss_D_B = (criterion_GAN(D_B(real_B), valid) + criterion_GAN(D_B(buf_B.push_and_pop(fake_B).detach()), fake)) / 2
        loss_D_B.backward()
        optimizer_D_B.step()
    for s in sched:
        s.step()
    print(epoch, loss_G.item(), loss_D_A.item())
