"""Mixed-precision training loop, written for a GPU but runnable anywhere."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

device = "cuda" if torch.cuda.is_available() else "cpu"


class Classifier(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, width), nn.GELU(), nn.Linear(width, width), nn.GELU())
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.layers(x))


def amp_step(model, batch, optimizer, scaler, max_norm=1.0):
    x, y = batch
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.float16):
        logits = model(x)
        loss = nn.functional.cross_entropy(logits.float(), y)
    scaler.scale(loss).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scaler.step(optimizer)
    scaler.update()
    return loss.item()


def main():
    torch.manual_seed(2)
    x, y = load_digits(return_X_y=True)
    x_tr, x_va, y_tr, y_va = train_test_split(x / 8 - 1, y, test_size=0.25, stratify=y, random_state=2)
    x_tr, x_va = (torch.tensor(a, dtype=torch.float32, device=device) for a in (x_tr, x_va))
    y_tr, y_va = torch.tensor(y_tr, device=device), torch.tensor(y_va, device=device)
    model = Classifier().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scaler = torch.amp.GradScaler(device)
    for epoch in range(10):
        model.train()
        losses = []
        for idx in torch.randperm(len(x_tr), device=device).split(64):
            losses.append(amp_step(model, (x_tr[idx], y_tr[idx]), optimizer, scaler))
        model.eval()
        with torch.no_grad(), torch.autocast(device, dtype=torch.float16):
            out = model(x_va).float()
        val = nn.functional.cross_entropy(out, y_va).item()
        acc = (out.argmax(1) == y_va).float().mean().item()
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.4f}  val {val:.4f}  acc {acc:.3f}  scale {scaler.get_scale():.0f}")


if __name__ == "__main__":
    main()
