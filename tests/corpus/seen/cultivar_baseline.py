from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
import torch, random
import torch.nn as nn

random.seed(42); torch.manual_seed(42)

data = load_wine(as_frame=False)
X_train, X_test, y_train, y_test = train_test_split(
    data.data, data.target, test_size=0.25, random_state=42, stratify=data.target)
X_train = torch.tensor(X_train, dtype=torch.float32); X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train); y_test = torch.tensor(y_test)


class WineClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 64)
        self.fc2 = nn.Linear(64, 32)
        self.fc3 = nn.Linear(32, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


model = WineClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.0005)
train_ds = torch.utils.data.TensorDataset(X_train, y_train)
loader = torch.utils.data.DataLoader(train_ds, batch_size=16, shuffle=True)

num_epochs = 60
for epoch in range(num_epochs):
    model.train()
    running_loss = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * inputs.size(0)
    if (epoch + 1) % 10 == 0:
        print(f"Epoch [{epoch+1}/{num_epochs}], Loss: {running_loss / len(train_ds):.4f}")

model.eval()
with torch.no_grad():
    predicted = torch.max(model(X_test), 1)[1]
    print("Accuracy on test set: %.2f%%" % (100 * (predicted == y_test).float().mean().item()))
