"""Several processes that learn as one, started by torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from sam_backend.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes this one is."""

    rank: int = 0
    world_size: int = 1

    @classmethod
    def join(cls, device: torch.device, environ: Mapping[str, str] = os.environ) -> Processes:
        """Meet the other processes that torchrun started; alone without torchrun.

        Raises:
            DeviceError: the others can't be met.
        """
        world_size = int(environ.get("WORLD_SIZE", "1"))
        if world_size == 1:
            return cls()
        try:
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        except (RuntimeError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            raise DeviceError(f"the {world_size} processes can't meet ({reason}): start them with torchrun") from None
        return cls(rank=distributed.get_rank(), world_size=world_size)

    @property
    def is_first(self) -> bool:
        """Whether this process reports and writes files."""
        return self.rank == 0

    def share(self, n_pictures: int) -> range:
        """This process's pictures of a step."""
        return range(self.rank, n_pictures, self.world_size)

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every process the sum of all gradients; a weight that no process used keeps none.

        Once a step rather than in each backward pass as DistributedDataParallel does it: a step has as many of those
        as rounds and pictures, and not every round uses every weight.
        """
        if self.world_size == 1:
            return
        weights = list(parameters)
        used = torch.tensor([float(weight.grad is not None) for weight in weights], device=weights[0].device)
        flat = torch.cat([_gradient(weight).flatten() for weight in weights])
        distributed.all_reduce(used, distributed.ReduceOp.MAX)
        distributed.all_reduce(flat, distributed.ReduceOp.SUM)
        parts = torch.split(flat, [weight.numel() for weight in weights])
        for weight, part, is_used in zip(weights, parts, used.tolist(), strict=True):
            weight.grad = part.view_as(weight).clone() if is_used else None

    def leave(self) -> None:
        """Part from the other processes."""
        if self.world_size > 1:
            distributed.destroy_process_group()


def _gradient(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight) if weight.grad is None else weight.grad
