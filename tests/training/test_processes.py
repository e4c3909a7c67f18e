import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sam_backend.errors import DatasetError, DeviceError
from sam_backend.model.sam import Sam
from sam_backend.training.lessons import WindowLessons
from sam_backend.training.processes import Processes
from sam_backend.training.trainer import Trainer
from tests.training.one_picture import TwoBlobs
from tests.training.tiny_settings import TINY

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, torch
from sam_backend.model.checkpoint import load_network
from sam_backend.training.lessons import WindowLessons
from sam_backend.training.processes import Processes
from sam_backend.training.trainer import Trainer
from tests.training.one_picture import TwoBlobs
from tests.training.tiny_settings import TINY

processes = Processes.join(torch.device("cpu"))
network = load_network(sys.argv[1])
trainer = Trainer(network, WindowLessons(network, [(TwoBlobs(), 1.0)], TINY.windows), TINY, processes)
for _ in range(3):
    trainer.step()
torch.save(trainer.network.state_dict(), f"{sys.argv[2]}/rank{processes.rank}.pth")
processes.leave()
"""


def test_two_processes_learn_as_one_with_the_joint_batch(tiny_checkpoint: Path, network: Sam, tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--standalone", str(script), str(tiny_checkpoint), str(tmp_path)],
        env=environ,
        cwd=ROOT,
        check=True,
        timeout=120,
        capture_output=True,
    )
    first, second = (torch.load(tmp_path / f"rank{rank}.pth", weights_only=True) for rank in range(2))
    network.load_state_dict(torch.load(tiny_checkpoint, weights_only=True))
    alone = Trainer(network, WindowLessons(network, [(TwoBlobs(), 1.0)], TINY.windows), TINY)
    for _ in range(3):
        alone.step()
    for name, value in alone.network.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-6)


def test_pictures_are_shared_out_once_each() -> None:
    shares = [list(Processes(rank, 3).share(7)) for rank in range(3)]
    assert sorted(picture for share in shares for picture in share) == list(range(7))


def test_a_process_alone_keeps_its_gradients(network: Sam) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.ones(2)
    Processes().add_gradients([weight])
    assert weight.grad.tolist() == [1, 1]
    assert Processes.join(torch.device("cpu"), environ={}) == Processes()


def test_fewer_pictures_than_processes_are_refused(network: Sam) -> None:
    with pytest.raises(DatasetError, match="2 pictures a step don't go round 3 processes"):
        Trainer(network, WindowLessons(network, [(TwoBlobs(), 1.0)], TINY.windows), TINY, Processes(0, 3))


def test_processes_that_never_meet_are_named() -> None:
    with pytest.raises(DeviceError, match=r"the 2 processes can't meet .* start them with torchrun"):
        Processes.join(torch.device("cpu"), environ={"WORLD_SIZE": "2"})
