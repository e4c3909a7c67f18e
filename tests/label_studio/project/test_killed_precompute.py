import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fake_project import PROJECT, ProjectStudio

N_TIMES = 3
ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("killed_precomputes.py")


def test_precompute_killed_at_any_moment_and_resumed_ends_with_the_same_cache(
    fake: ProjectStudio, picture: Callable[[int], bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    for number in range(16):
        fake.pictures[f"/data/upload/1/{number}.png"] = picture(number)
        fake.add(number + 1, f"/data/upload/1/{number}.png")
    command = [sys.executable, PROGRAM, str(PROJECT), str(tmp_path), str(N_TIMES)]
    environ = {**os.environ, **environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    n_kills, n_partial, n_values = map(int, re.findall(r"\d+", done.stdout))
    assert n_values == 32  # an embedding and a note for each
    assert n_kills >= N_TIMES
    assert n_partial > 0, "no kill came in the midst of the work"
