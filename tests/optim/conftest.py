"""Small tensors: a second thread only spins and makes these tests several times slower."""

import torch

torch.set_num_threads(1)
