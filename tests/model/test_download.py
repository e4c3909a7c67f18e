import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sam_backend.errors import CheckpointError
from sam_backend.model import download as download_module
from sam_backend.model.download import CHUNK_BYTES, download
from sam_backend.model.published import PUBLISHED, PublishedCheckpoint, published, sha256_of

CONTENT = np.random.default_rng(0).bytes(700_000)
HALF = 20 * CHUNK_BYTES
FILE = PublishedCheckpoint(
    name="tiny",
    file_name="tiny.pth",
    url="http://127.0.0.1:9/tiny.pth",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="Apache-2.0",
    about="for tests",
)


@dataclass
class Mirror:
    """A file server with moods, and what it was asked for."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    """How many bytes it sends before it breaks off: one number per request, then it sends all."""

    knows_ranges: bool = True
    says_length: bool = True
    status: int = 200
    content_range: str | None = None
    delay_s: float = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of every request."""


def handler_of(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            mirror.asked.append((self.path, wanted))
            time.sleep(mirror.delay_s)
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and mirror.knows_ranges else 0
            body = mirror.content[start:]
            if mirror.status != 200:
                self.send_error(mirror.status)
                return
            if start >= len(mirror.content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if mirror.says_length:
                self.send_header("Content-Length", str(len(body)))
            if start:
                whole = f"bytes {start}-{len(mirror.content) - 1}/{len(mirror.content)}"
                self.send_header("Content-Range", whole if mirror.content_range is None else mirror.content_range)
            self.end_headers()
            with suppress(ConnectionError):  # the client may hang up, too
                self.wfile.write(body[: mirror.breaks_after.pop(0)] if mirror.breaks_after else body)

        def log_message(self, *_: object) -> None: ...

    return Handler


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(mirror))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mirror.url = f"http://127.0.0.1:{server.server_port}/weights/"
    yield mirror
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "tiny.pth.part"


def fetch(mirror: Mirror, folder: Path, file: PublishedCheckpoint = FILE) -> Path:
    return download(file, folder, lambda _: None, mirror.url)


def test_a_file_is_fetched_whole_into_a_new_folder(mirror: Mirror, tmp_path: Path) -> None:
    reported: list[int] = []
    path = download(FILE, tmp_path / "new" / "folder", reported.append, mirror.url)
    assert path == tmp_path / "new" / "folder" / "tiny.pth"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert reported == sorted(reported)
    assert reported[-1] == len(CONTENT)
    assert mirror.asked == [("/weights/tiny.pth", None)]


def test_without_a_mirror_it_comes_from_its_makers(mirror: Mirror, tmp_path: Path) -> None:
    download(replace(FILE, url=f"{mirror.url}of/makers.pt"), tmp_path, lambda _: None)
    assert (tmp_path / "tiny.pth").read_bytes() == CONTENT
    assert mirror.asked == [("/weights/of/makers.pt", None)]


@pytest.mark.parametrize("says_length", [True, False], ids=["length told", "length not told"])
def test_a_download_goes_on_where_it_broke_off(says_length: bool, mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after, mirror.says_length = [HALF, CHUNK_BYTES], says_length
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in mirror.asked] == [None, f"bytes={HALF}-", f"bytes={HALF + CHUNK_BYTES}-"]


def test_a_later_call_goes_on_too(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    mirror.breaks_after = [HALF, 0]
    with pytest.raises(CheckpointError, match=rf"stopped at {HALF:,} of {len(CONTENT):,} bytes .* goes on from there"):
        fetch(mirror, tmp_path)
    assert part.read_bytes() == CONTENT[:HALF]
    assert not (tmp_path / "tiny.pth").exists()
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT
    assert mirror.asked[-1] == ("/weights/tiny.pth", f"bytes={HALF}-")


def test_a_whole_part_needs_no_server(tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT)
    assert download(FILE, tmp_path, lambda _: None).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_anew(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:HALF])
    mirror.knows_ranges = False
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT


def test_a_part_of_another_file_is_given_up(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(bytes(HALF))
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in mirror.asked] == [f"bytes={HALF}-", None]


def test_a_part_that_is_too_long_is_given_up(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT + b"x")
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [0, HALF], ids=["from the start", "going on"])
def test_a_wrong_file_is_refused_and_deleted(begun: int, mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:begun])
    mirror.content = bytes(len(CONTENT))
    with pytest.raises(CheckpointError, match=r"isn't the published tiny\.pth: its SHA-256 is another.* deleted"):
        fetch(mirror, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "says_length", "what"),
    [(b"<html>log in", True, "12 bytes"), (CONTENT + b"x", False, "more than 700,000 bytes")],
    ids=["page of a proxy", "longer"],
)
def test_a_file_of_another_size_is_refused(
    content: bytes, says_length: bool, what: str, mirror: Mirror, tmp_path: Path
) -> None:
    mirror.content, mirror.says_length = content, says_length
    with pytest.raises(CheckpointError, match=rf"has {what} where tiny\.pth has 700,000: it is another file"):
        fetch(mirror, tmp_path)
    assert not (tmp_path / "tiny.pth").exists()


def test_a_short_file_that_does_not_tell_its_length_ends(mirror: Mirror, tmp_path: Path) -> None:
    mirror.content, mirror.says_length = CONTENT[:HALF], False
    with pytest.raises(CheckpointError, match="answered 416"):
        fetch(mirror, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_rest_of_another_size_is_refused(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:HALF])
    mirror.content = CONTENT[:-1]
    with pytest.raises(CheckpointError, match=r"has 699,999 bytes"):
        fetch(mirror, tmp_path)
    assert part.read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize("content_range", ["", f"bytes 0-9/{len(CONTENT)}", "lines 1-2/3"])
def test_another_part_than_asked_for_is_refused(content_range: str, mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:HALF])
    mirror.content_range = content_range
    with pytest.raises(CheckpointError, match="answered with the wrong part"):
        fetch(mirror, tmp_path)
    assert part.read_bytes() == CONTENT[:HALF]


def test_a_rest_of_untold_whole_size_is_taken(mirror: Mirror, tmp_path: Path, part: Path) -> None:
    part.write_bytes(CONTENT[:HALF])
    mirror.content_range = f"bytes {HALF}-{len(CONTENT) - 1}/*"
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 403, 503])
def test_a_refusal_is_told(status: int, mirror: Mirror, tmp_path: Path) -> None:
    mirror.status = status
    with pytest.raises(CheckpointError, match=rf"weights/tiny\.pth answered {status} \w+.*: check the address"):
        fetch(mirror, tmp_path)


def test_an_absent_server_is_told_with_where_to_put_the_file(tmp_path: Path) -> None:
    places = re.escape(f"put tiny.pth at tiny.pth or {Path('checkpoints') / 'tiny.pth'} by hand")
    with pytest.raises(CheckpointError, match=rf"stopped at 0 of .* \(no connection, or it broke\).*{places}"):
        download(FILE, tmp_path, lambda _: None)


def test_a_silent_server_is_given_up(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "READ_TIMEOUT_S", 0.05)
    mirror.delay_s = 0.3
    with pytest.raises(CheckpointError, match="no answer in time"):
        fetch(mirror, tmp_path)


def test_a_server_that_is_not_trusted_is_told(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="its certificate isn't trusted"):
        download(FILE, tmp_path, lambda _: None, mirror.url.replace("http:", "https:"))


def test_a_proxy_that_is_absent_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match="the proxy refused"):
        download(FILE, tmp_path, lambda _: None, "http://mirror.invalid")


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"\(MissingSchema: "):
        download(FILE, tmp_path, lambda _: None, "mirror")


def test_a_file_that_is_here_is_not_fetched(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "tiny.pth").write_bytes(CONTENT)
    assert fetch(mirror, tmp_path) == tmp_path / "tiny.pth"
    assert mirror.asked == []


def test_another_file_of_that_name_is_left_alone(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "tiny.pth").write_bytes(b"my own")
    with pytest.raises(CheckpointError, match=r"is there already .* move it away or delete it first"):
        fetch(mirror, tmp_path)
    assert (tmp_path / "tiny.pth").read_bytes() == b"my own"
    assert mirror.asked == []


def test_a_folder_that_is_a_file_is_told(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="file can't be written to: "):
        fetch(mirror, tmp_path / "file")


def test_what_is_published_is_told_apart() -> None:
    assert all(re.fullmatch(r"[0-9a-f]{64}", checkpoint.sha256) for checkpoint in PUBLISHED)
    assert all(checkpoint.url.endswith(f"/{checkpoint.file_name}") for checkpoint in PUBLISHED)
    assert all(checkpoint.url.startswith("https://") for checkpoint in PUBLISHED)
    assert len({checkpoint.sha256 for checkpoint in PUBLISHED}) == len({each.name for each in PUBLISHED}) == 4


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    assert published("vit_h").file_name == "sam_vit_h_4b8939.pth"
    with pytest.raises(CheckpointError, match=r"'vit_x': give one of vit_b, vit_l, vit_h, mobile_sam"):
        published("vit_x")


def test_a_folder_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="can't be read: "):
        sha256_of(tmp_path)
