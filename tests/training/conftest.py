import copy

import pytest
import torch

from sam_backend.model.sam import Sam
from sam_backend.training.initialise import initialise


@pytest.fixture
def network(tiny_network: Sam) -> Sam:
    fresh = copy.deepcopy(tiny_network)
    torch.manual_seed(0)
    initialise(fresh)
    return fresh
