import subprocess
import sys

ENDS_WHILE_LOADING = """
import time
import torch
from sam_backend.service.model_loader import ModelLoader

def load():
    until_s = time.monotonic() + 1
    while time.monotonic() < until_s:
        torch.empty(10, 10)
    print("loaded", flush=True)

ModelLoader("busy", lambda: "busy-1", load, lambda status: None).start()
"""


def test_program_that_ends_while_a_model_is_loaded_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_LOADING], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\n", "")
