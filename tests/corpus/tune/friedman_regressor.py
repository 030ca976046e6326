import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset, random_split

CONFIG = {
    "lr": 1e-3,
    "decay": 0.15,
    "epochs": 30,
    "batch_size": 64,
    "hidden": 64,
    "seed": 8,
}


def inverse_time(epoch):
    return 1.0 + CONFIG["decay"] * epoch


def get_loaders():
    X, y = make_friedman1(n_samples=2000, n_features=8, noise=0.5, random_state=CONFIG["seed"])
    X = (X - 0.5) / np.sqrt(1 / 12)
    y = (y - y[:1600].mean()) / y[:1600].std()
    ds = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    train, val = random_split(ds, [1600, 400], generator=torch.Generator().manual_seed(CONFIG["seed"]))
    return DataLoader(train, CONFIG["batch_size"], shuffle=True), DataLoader(val, 400)


def main():
    torch.manual_seed(CONFIG["seed"])
    train_loader, val_loader = get_loaders()
    h = CONFIG["hidden"]
    model = torch.nn.Sequential(
        torch.nn.Linear(8, h), torch.nn.SiLU(),
        torch.nn.Linear(h, h), torch.nn.SiLU(),
        torch.nn.Linear(h, 1), torch.nn.Flatten(0),
    )
    loss_fn = torch.nn.MSELoss()
    opt = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    sched = LambdaLR(opt, lr_lambda=inverse_time)

    for epoch in range(CONFIG["epochs"]):
        model.train()
        for xb, yb in train_loader:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
        sched.step()

        if epoch % 5 == 4:
            model.eval()
            with torch.inference_mode():
                val = np.mean([loss_fn(model(xb), yb).item() for xb, yb in val_loader])
            print(f"epoch {epoch + 1:3d} train {loss.item():.4f} val {val:.4f} lr {opt.param_groups[0]['lr']:.5f}")


main()
