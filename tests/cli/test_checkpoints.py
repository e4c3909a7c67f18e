import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sam_backend.__main__ import main
from sam_backend.cli import checkpoints as command
from sam_backend.model import checkpoint as checkpoint_module
from sam_backend.model import published as published_module
from sam_backend.model.published import PublishedCheckpoint


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def published(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PublishedCheckpoint:
    """A tiny network, published instead of the real ones; the working folder is empty."""
    data = tiny_checkpoint.read_bytes()
    checkpoint = PublishedCheckpoint(
        name="tiny_sam",
        file_name=tiny_checkpoint.name,
        url=f"http://127.0.0.1:9/{tiny_checkpoint.name}",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="Apache-2.0",
        about="tiny",
    )
    monkeypatch.setattr(published_module, "PUBLISHED", (checkpoint,))
    monkeypatch.setattr(command, "PUBLISHED", (checkpoint,))
    monkeypatch.setattr(checkpoint_module, "OFFICIAL_FILES", {checkpoint.name: checkpoint.file_name})
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv(command.MIRROR_VARIABLE, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return checkpoint


@pytest.fixture
def mirror(tiny_checkpoint: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=tiny_checkpoint.parent)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


Output = pytest.CaptureFixture[str]


def test_a_checkpoint_is_fetched_found_and_verified(
    published: PublishedCheckpoint, mirror: str, capsys: Output
) -> None:
    assert main(["checkpoints", "verify", "tiny_sam"]) == 2
    assert "or fetch it with: python -m sam_backend checkpoints download tiny_sam" in capsys.readouterr().err
    assert main(["checkpoints", "download", "tiny_sam", "--url", mirror]) == 0
    assert f"tiny_sam is at {Path('checkpoints') / 'tiny.pth'}" in capsys.readouterr().out
    assert main(["checkpoints", "verify", "tiny_sam"]) == 0
    printed = capsys.readouterr().out
    assert f"sha256     {published.sha256}" in printed
    assert "published  as tiny_sam (tiny)" in printed
    assert "encoder    convolutional: image size 64, widths (8, 8, 16, 16), depths (1, 1, 1, 1)" in printed
    assert "all of them fit" in printed


def test_the_mirror_may_stand_in_the_environment(
    published: PublishedCheckpoint, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("SAM_CHECKPOINTS_URL", mirror)
    assert main(["checkpoints", "download", "tiny_sam", "--to", str(tmp_path)]) == 0
    assert (tmp_path / "tiny.pth").stat().st_size == published.size_bytes
    assert f"it isn't looked for there: say --checkpoint {tmp_path / 'tiny.pth'}" in capsys.readouterr().out


def test_without_a_mirror_the_makers_are_asked(published: PublishedCheckpoint, capsys: Output) -> None:
    assert main(["checkpoints", "download", "tiny_sam"]) == 2
    assert f"fetching {published.url} stopped at 0 of" in capsys.readouterr().err


def test_the_list_says_what_is_here(published: PublishedCheckpoint, capsys: Output) -> None:
    assert main(["checkpoints", "list"]) == 0
    printed = capsys.readouterr().out
    assert "Apache-2.0" in printed
    assert published.url in printed
    assert "without internet" in printed
    Path("tiny.pth").write_bytes(b"")
    assert main(["checkpoints", "list"]) == 0
    assert "here: tiny.pth" in capsys.readouterr().out


def test_a_bar_on_a_terminal_counts_bytes(
    published: PublishedCheckpoint, mirror: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["checkpoints", "download", "tiny_sam", "--url", mirror]) == 0
    assert "tiny.pth: 100%" in capsys.readouterr().err


@pytest.mark.usefixtures("published")
def test_own_weights_are_verified_as_unpublished(tiny_checkpoint: Path, capsys: Output) -> None:
    Path("mine.pth").write_bytes(tiny_checkpoint.read_bytes() + b"x")
    assert main(["checkpoints", "verify", "mine.pth"]) == 0
    assert "published  no, or changed since" in capsys.readouterr().out


@pytest.mark.usefixtures("published")
def test_another_file_of_a_published_name_is_told(tiny_checkpoint: Path, capsys: Output) -> None:
    Path("tiny.pth").write_bytes(tiny_checkpoint.read_bytes() + b"x")
    assert main(["checkpoints", "verify", "tiny.pth"]) == 2
    assert "is called like the published tiny_sam but is another file" in capsys.readouterr().err


@pytest.mark.usefixtures("published")
def test_a_damaged_file_is_told(tiny_checkpoint: Path, capsys: Output) -> None:
    Path("cut.pth").write_bytes(tiny_checkpoint.read_bytes()[:-100])
    assert main(["checkpoints", "verify", "cut.pth"]) == 2
    assert "cut.pth can't be read as weights" in capsys.readouterr().err
