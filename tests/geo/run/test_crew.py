"""What is known of a cluster without one: who counts as there, and that nobody pays for it who doesn't ask."""

import subprocess
import sys

import pytest
from dask_processes import REPOSITORY

from sam_backend.geo.run.cluster.crew import Crew


def test_slots_are_counted_by_thread_or_by_gpu() -> None:
    crew = Crew("tcp://here")
    plain = {"status": "running", "nthreads": 4, "resources": {}}
    crew.count({"a": plain, "b": plain | {"status": "paused"}})
    assert (crew.n_slots, crew.resources) == (4, None)
    crew.count({"a": plain, "b": plain | {"nthreads": 1, "resources": {"GPU": 2}}})
    assert (crew.n_slots, crew.resources) == (1, {"GPU": 1})
    crew.count({"a": plain})
    assert (crew.n_slots, crew.resources) == (0, {"GPU": 1})


def test_a_crew_that_was_gone_and_comes_back_is_said_once_each(caplog: pytest.LogCaptureFixture) -> None:
    crew = Crew("tcp://here", patience_s=0)
    worker = {"a": {"status": "running", "nthreads": 1, "resources": {"GPU": 1}}}
    for workers in (worker, {}, {}, worker, worker):
        crew.count(workers)
    gone, back = caplog.messages
    assert gone.startswith("no worker with a GPU for 0 s")
    assert back == "1 tiles can be worked on at a time again"


def test_the_library_is_imported_only_when_a_cluster_is_asked_for() -> None:
    program = "import sys, sam_backend.__main__; sys.exit('distributed' in sys.modules or 'dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY).returncode == 0
