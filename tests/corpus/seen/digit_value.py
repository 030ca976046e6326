"""Read the value of a handwritten digit."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(33)
EPOCHS = 15

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.2, random_state=33, stratify=y)
X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).unsqueeze(1)
y_test = torch.tensor(y_test, dtype=torch.float32).unsqueeze(1)

loader = DataLoader(TensorDataset(X_train, y_train), batch_size=64, shuffle=True)

model = nn.Sequential(
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(EPOCHS):
    for inputs, value in loader:
        optimizer.zero_grad()
        output = model(inputs)
        loss = criterion(output, value)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        predicted = model(X_test).round().clamp(0, 9)
        accuracy = (predicted == y_test).float().mean()
    if epoch % 3 == 2:
        print(f"Epoch [{epoch + 1}/{EPOCHS}], Loss: {loss.item():.4f}, Accuracy: {accuracy.item():.4f}")
