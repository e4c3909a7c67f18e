import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from segment_anything.engine import local_worker
from segment_anything.engine.engine import EngineError, ErrorKind
from segment_anything.engine.local_worker import LocalWorker
from segment_anything.engine.worker_process import backend_command, clean_environment

SCRIPT = str(Path(__file__).with_name("scripted_worker.py"))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], LocalWorker]]:
    started = []

    def start(how: str = "fine") -> LocalWorker:
        monkeypatch.setattr(
            local_worker, "backend_command", lambda python, *_: [python, "-I", "-u", SCRIPT, how]
        )  # what runs is chosen; the processes, pipes and signals are real
        started.append(LocalWorker(sys.executable))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_fields_that_were_not_given_are_left_out(start: Callable[..., LocalWorker]) -> None:
    answer = start().call("echo", {"raster": "a.tif", "area": None})

    assert answer["fields"] == {"raster": "a.tif", "id": "1", "op": "echo"}


def test_events_come_in_order_to_who_asked(start: Callable[..., LocalWorker]) -> None:
    events: list[dict] = []

    result = start().call("tell", {}, events.append)

    assert [event["event"] for event in events] == ["log", "progress"]
    assert result == {}


def test_an_error_of_the_engine_keeps_its_kind_and_words(start: Callable[..., LocalWorker]) -> None:
    with pytest.raises(EngineError, match="no raster came: give one") as caught:
        start().call("refuse", {})

    assert caught.value.kind == ErrorKind.RASTER


def test_one_process_answers_many_threads(start: Callable[..., LocalWorker]) -> None:
    worker, pids = start(), []
    threads = [threading.Thread(target=lambda: pids.append(worker.call("echo", {})["pid"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(pids) == 8
    assert set(pids) == {worker.pid}


def test_prints_of_libraries_and_megabytes_of_complaints_do_no_harm(start: Callable[..., LocalWorker]) -> None:
    assert start().call("chatter", {}) == {}


def test_a_cancelled_run_has_a_result(start: Callable[..., LocalWorker]) -> None:
    worker = start()
    worker.call("echo", {})

    assert worker.call("run", {}, is_cancelled=lambda: True) == {"state": "cancelled"}


def test_a_cancelled_question_is_given_up_at_once_and_the_worker_stays(start: Callable[..., LocalWorker]) -> None:
    worker = start()
    pid = worker.call("echo", {})["pid"]

    with pytest.raises(EngineError) as caught:
        worker.call("object", {}, is_cancelled=lambda: True)

    assert caught.value.kind == ErrorKind.CANCELLED
    assert worker.call("echo", {})["pid"] == pid


def test_who_gives_up_while_the_model_loads_is_let_go(start: Callable[..., LocalWorker]) -> None:
    with pytest.raises(EngineError, match="while the model was loading") as caught:
        start("slow").call("run", {}, is_cancelled=lambda: True)

    assert caught.value.kind == ErrorKind.CANCELLED


def test_a_worker_that_does_not_heed_a_cancel_is_killed(
    start: Callable[..., LocalWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_worker, "_CANCEL_PATIENCE_S", 0.2)
    worker = start("stubborn")
    pid = worker.call("echo", {})["pid"]
    began_s = time.monotonic()

    with pytest.raises(EngineError) as caught:
        worker.call("run", {}, is_cancelled=lambda: True)

    assert caught.value.kind == ErrorKind.CANCELLED
    assert not is_running(pid)
    assert time.monotonic() - began_s < 10


def test_closing_ends_the_process_and_the_next_call_starts_another(start: Callable[..., LocalWorker]) -> None:
    worker = start()
    first = worker.call("echo", {})["pid"]

    worker.close()

    assert worker.pid is None
    assert not is_running(first)
    assert worker.call("echo", {})["pid"] != first


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        pytest.param({"code": 1, "last_words": "boom"}, ErrorKind.ENDED, "exit code 1 .boom", id="crash"),
        pytest.param(
            {"code": 1, "last_words": "torch.cuda.OutOfMemoryError: CUDA out of memory"},
            ErrorKind.OUT_OF_MEMORY,
            "fewer points",
            id="memory of a GPU",
        ),
        pytest.param(
            {"code": 1, "last_words": "OSError: [Errno 28] No space left on device"},
            ErrorKind.STORAGE,
            "make room",
            id="full disk",
        ),
        pytest.param({"code": 3, "last_words": ""}, ErrorKind.ENDED, "said nothing", id="silent"),
    ],
)
def test_a_worker_that_dies_at_work_says_why(
    start: Callable[..., LocalWorker], fields: dict, kind: str, message: str
) -> None:
    worker = start()

    with pytest.raises(EngineError, match=message) as caught:
        worker.call("die", fields)

    assert caught.value.kind == kind
    assert worker.call("echo", {})["pid"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        pytest.param("SIGKILL", ErrorKind.OUT_OF_MEMORY, "memory ran out", id="as Linux does when memory runs out"),
        pytest.param("SIGTERM", ErrorKind.ENDED, "asked to end", id="as a person does"),
    ],
)
def test_a_killed_worker_is_told_from_a_failed_one(
    start: Callable[..., LocalWorker], name: str, kind: str, message: str
) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        start().call("kill", {"signal": name})

    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        pytest.param("no module", ErrorKind.NOT_SET_UP, "has no sam_backend", id="backend not installed"),
        pytest.param("newer", ErrorKind.PROTOCOL, "update the plugin", id="newer backend"),
        pytest.param("refused", "model", "weights are damaged", id="damaged weights"),
    ],
)
def test_a_worker_that_cannot_begin_says_why(
    start: Callable[..., LocalWorker], how: str, kind: str, message: str
) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        start(how).call("hello", {})

    assert caught.value.kind == kind


def test_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError, match="/nowhere/python can't be started") as caught:
        LocalWorker("/nowhere/python").call("hello", {})

    assert caught.value.kind == ErrorKind.NOT_SET_UP


def test_what_leads_another_python_astray_is_left_behind() -> None:
    environment = {"PATH": "/bin", "HOME": "/root", "PROJ_LIB": "x", "GDAL_DATA": "x", "PYTHONHOME": "x"}
    environment |= {"QT_PLUGIN_PATH": "x", "LD_LIBRARY_PATH": "x", "VIRTUAL_ENV": "x", "PROJ_DATA": "x"}

    assert clean_environment(environment) == {"PATH": "/bin", "HOME": "/root"}


def test_the_real_worker_answers_from_its_source_alone(tiny_checkpoint: Path) -> None:
    worker = LocalWorker(sys.executable, str(ROOT), str(tiny_checkpoint), "cpu")
    try:
        hello = worker.call("hello", {})
        pid = worker.pid
        assert hello["state"] == "ready"
        assert hello["model"] == "tiny"
        with pytest.raises(EngineError) as caught:
            worker.call("run", {"raster": "/nowhere.tif", "output": "/nowhere.gpkg"})
        assert caught.value.kind == ErrorKind.RASTER
    finally:
        worker.close()
    assert pid is not None
    assert not is_running(pid)


def test_an_installed_backend_is_run_as_a_module() -> None:
    assert backend_command("/opt/python", "", ["worker"]) == ["/opt/python", "-I", "-u", "-m", "sam_backend", "worker"]


def test_a_dying_client_takes_its_worker_along(tmp_path: Path, tiny_checkpoint: Path) -> None:
    said = tmp_path / "pid"
    code = (
        f"import sys, time; sys.path.insert(0, {str(ROOT / 'plugins')!r})\n"
        "from segment_anything.engine.local_worker import LocalWorker\n"
        f"worker = LocalWorker({sys.executable!r}, {str(ROOT)!r}, {str(tiny_checkpoint)!r}, 'cpu')\n"
        f"worker.call('hello', {{}}); open({str(said)!r}, 'w').write(str(worker.pid)); time.sleep(60)"
    )
    client = subprocess.Popen([sys.executable, "-c", code])
    while not (said.exists() and said.read_text()):
        assert client.poll() is None
        time.sleep(0.05)
    worker = int(said.read_text())

    client.send_signal(signal.SIGKILL)
    client.wait()

    until = time.monotonic() + 5
    while is_running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(worker)
