import base64
import os
import socket
import time
from pathlib import Path

import pytest
from picture_server import OWN_KEY, PictureServer

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits, shown_url
from sam_backend.label_studio.hosts import LabelStudioHost, choose_host, same_origin
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.tokens import TokenExchange

UPLOAD = "/data/upload/1/6d836ecd-small.jpg"


_Host = tuple[str, str | None] | None


LOOPBACK = AllowedHosts.of(["127.0.0.0/8"])
"""Where all servers of these tests are; without it they may not be asked for foreign pictures."""


def _source(
    url: str | None = None, *, key: str | None = "own-key", root: Path | None = None, **limits: object
) -> ImageSource:
    host = None if url is None else LabelStudioHost(url, key, is_configured=True)
    at_most = FetchLimits(**{"max_bytes": 1000, "timeout_s": 5.0, **limits})
    return ImageSource(host, root, Downloader(at_most, LOOPBACK, TokenExchange(LOOPBACK)), PictureCache(10_000))


def test_upload_comes_from_label_studio_with_the_token(studio: PictureServer) -> None:
    assert _source(studio.url).fetch(UPLOAD).data == UPLOAD.encode() * 10
    assert studio.asked == [(UPLOAD, "Token own-key")]


def test_absolute_local_file_comes_from_label_studio_with_the_token(studio: PictureServer) -> None:
    path = "/data/local-files/?d=set1/local%20one.jpg"
    _source(studio.url).fetch(studio.url + path)
    assert studio.asked == [(path, "Token own-key")]


def test_label_studio_below_a_path_is_asked_there(studio: PictureServer) -> None:
    _source(f"{studio.url}/label").fetch(UPLOAD)
    assert studio.asked == [(f"/label{UPLOAD}", "Token own-key")]


def test_other_host_never_sees_the_token(studio: PictureServer, elsewhere: PictureServer) -> None:
    assert _source(studio.url).fetch(f"{elsewhere.url}/a.png?sig=1").data == b"/a.png?sig=1" * 10
    assert elsewhere.asked == [("/a.png?sig=1", None)]


def test_netrc_is_not_consulted(elsewhere: PictureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    _source().fetch(f"{elsewhere.url}/a.png")
    assert elsewhere.asked == [("/a.png", None)]


def test_redirect_to_another_host_drops_the_token(studio: PictureServer, elsewhere: PictureServer) -> None:
    studio.redirects["/presign"] = f"{elsewhere.url}/bucket/a.png"
    _source(studio.url).fetch("/presign")
    assert studio.asked == [("/presign", "Token own-key")]
    assert elsewhere.asked == [("/bucket/a.png", None)]


@pytest.mark.parametrize("allowed", [AllowedHosts(), LOOPBACK], ids=["refused", "allowed"])
@pytest.mark.parametrize("base", ["", "/label"], ids=["no path", "below a path"])
@pytest.mark.parametrize("address", [UPLOAD, "/data/local-files/?d=set1/one.jpg"])
def test_label_studio_that_has_moved_is_to_be_set_anew(
    studio: PictureServer, elsewhere: PictureServer, allowed: AllowedHosts, base: str, address: str
) -> None:
    """As from http to https, or to its public name: past the redirect there is no token to show."""
    studio.redirects[base + address] = elsewhere.url + base + address
    elsewhere.token = OWN_KEY
    host = LabelStudioHost(studio.url + base, OWN_KEY, is_configured=True)
    downloader = Downloader(FetchLimits(1000, 5.0), allowed, TokenExchange(allowed))
    with pytest.raises(ImageSourceError) as told:
        downloader.get(host.url + address, host)
    assert str(told.value) == (
        f"{host.url} redirects to {elsewhere.url}{base}, and a token isn't sent past a redirect: "
        f"set LABEL_STUDIO_URL to {elsewhere.url}{base}"
    )
    assert all(token is None for _, token in elsewhere.asked)


def test_what_label_studio_redirects_to_elsewhere_is_no_move(studio: PictureServer, elsewhere: PictureServer) -> None:
    studio.redirects["/presign"] = f"{elsewhere.url}/status/403"
    with pytest.raises(ImageSourceError, match="answered 403: give a public address"):
        _source(studio.url).fetch("/presign")
    studio.redirects["/public.png"] = f"{elsewhere.url}/public.png"
    assert _source(studio.url).fetch("/public.png").data == b"/public.png" * 10


def test_redirect_on_the_same_host_keeps_the_token(studio: PictureServer) -> None:
    studio.redirects["/old"] = "/new"
    _source(studio.url).fetch("/old")
    assert studio.asked == [("/old", "Token own-key"), ("/new", "Token own-key")]


def test_redirect_from_elsewhere_brings_no_token_home(studio: PictureServer, elsewhere: PictureServer) -> None:
    elsewhere.redirects["/lure"] = studio.url + UPLOAD
    with pytest.raises(ImageSourceError, match="answered 401"):
        _source(studio.url).fetch(f"{elsewhere.url}/lure")
    assert studio.asked == [(UPLOAD, None)]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "data:image/png;base64,AA==", "ftp://h/a"])
def test_redirect_to_something_that_is_no_web_address_is_refused(elsewhere: PictureServer, target: str) -> None:
    elsewhere.redirects["/lure"] = target
    with pytest.raises(ImageSourceError, match="aren't fetched"):
        _source().fetch(f"{elsewhere.url}/lure")


def test_endless_redirects_end(elsewhere: PictureServer) -> None:
    elsewhere.redirects["/round"] = "/round"
    with pytest.raises(ImageSourceError, match="redirected more than 5 times"):
        _source().fetch(f"{elsewhere.url}/round")
    assert len(elsewhere.asked) == 6


@pytest.mark.parametrize(
    ("path", "key", "cure"),
    [
        pytest.param(
            UPLOAD, "wrong", "answered 401: LABEL_STUDIO_API_KEY is a legacy token that isn't valid", id="401"
        ),
        pytest.param(UPLOAD, None, "answered 401: set LABEL_STUDIO_URL", id="401 without a token"),
        pytest.param("/status/403", "own-key", "answered 403: let the token's user open", id="403"),
        pytest.param("/status/404", "own-key", "answered 404: check that the file", id="404"),
        pytest.param("/status/500", "own-key", "answered 500: look at that server's log", id="500"),
    ],
)
def test_refusal_of_label_studio_says_the_cure(studio: PictureServer, path: str, key: str | None, cure: str) -> None:
    with pytest.raises(ImageSourceError, match=cure) as caught:
        _source(studio.url, key=key).fetch(path)
    assert "wrong" not in str(caught.value)


def test_refusal_of_another_host_says_another_cure(elsewhere: PictureServer) -> None:
    with pytest.raises(ImageSourceError, match="answered 401: give a public address"):
        _source().fetch(f"{elsewhere.url}/status/401?token=secret")


def test_chunked_answer_is_joined(elsewhere: PictureServer) -> None:
    assert _source().fetch(f"{elsewhere.url}/chunked").data == b"abcde"


def test_picture_of_exactly_the_limit_is_let_through_and_one_byte_more_is_not(elsewhere: PictureServer) -> None:
    assert len(_source(max_bytes=20).fetch(f"{elsewhere.url}/a").data) == 20
    with pytest.raises(ImageSourceError, match="SAM_MAX_PICTURE_MB"):
        _source(max_bytes=19).fetch(f"{elsewhere.url}/a")


def test_server_that_drips_is_left_after_the_whole_time(elsewhere: PictureServer) -> None:
    started_s = time.monotonic()
    with pytest.raises(ImageSourceError, match="took too long"):
        _source(timeout_s=0.4).fetch(f"{elsewhere.url}/drip")
    assert time.monotonic() - started_s < 1.5


def test_server_that_never_answers_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ImageSourceError, match="took too long"):
        _source(timeout_s=0.2).fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/a")


def test_connection_cut_short_is_an_error_not_half_a_picture(elsewhere: PictureServer) -> None:
    with pytest.raises(ImageSourceError, match="can't be reached"):
        _source().fetch(f"{elsewhere.url}/drip")


def test_host_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a.png"
    with pytest.raises(ImageSourceError, match=r"127\.0\.0\.1.*ConnectionError"):
        _source().fetch(f"{url}?signature=secret")


def test_token_that_no_header_can_carry_is_not_told(studio: PictureServer) -> None:
    with pytest.raises(ImageSourceError, match="can't be reached") as caught:
        _source(studio.url, key="top\nsecret").fetch(UPLOAD)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "s4://bucket/x.jpg",
        "ftp://h/x",
        "picture.png",
        "http://",
        "http://[",
        "C:\\a.png",
    ],
)
def test_other_addresses_are_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ImageSourceError, match="aren't fetched"):
        _source("http://127.0.0.1:1", root=tmp_path).fetch(uri)


@pytest.mark.parametrize("uri", ["http://h:99999/a", "http://\ud800/a", "http://a b/", "http://" + "a" * 300 + "/"])
def test_address_that_breaks_the_client_is_an_ordinary_error(uri: str) -> None:
    with pytest.raises(ImageSourceError):
        _source().fetch(uri)


def test_relative_address_without_a_label_studio_says_what_to_set() -> None:
    with pytest.raises(ImageSourceError, match="set LABEL_STUDIO_URL"):
        _source().fetch(UPLOAD)


# --- what /setup told -------------------------------------------------------------------------------------------------


def test_told_host_fills_in_where_the_environment_names_none(studio: PictureServer) -> None:
    assert _source().fetch(UPLOAD, LabelStudioHost(studio.url, "own-key"))


def test_told_host_never_replaces_the_environments(studio: PictureServer, elsewhere: PictureServer) -> None:
    _source(studio.url).fetch(UPLOAD, LabelStudioHost(elsewhere.url, "told-key"))
    assert studio.asked == [(UPLOAD, "Token own-key")]
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("own", "told", "chosen"),
    [
        pytest.param(None, None, None, id="none"),
        pytest.param(None, ("http://a", "t"), ("http://a", "t"), id="told only"),
        pytest.param(("http://a", "k"), ("http://a", "t"), ("http://a", "k"), id="own key first"),
        pytest.param(("http://a", "k"), ("http://b", "t"), ("http://a", "k"), id="own host first"),
        pytest.param(("http://a", None), ("http://a:80", "t"), ("http://a", "t"), id="told key for the same host"),
        pytest.param(("http://a", None), ("https://a", "t"), ("http://a", None), id="other scheme"),
        pytest.param(("http://a", None), ("http://a:81", "t"), ("http://a", None), id="other port"),
        pytest.param(("http://a", None), None, ("http://a", None), id="nothing told"),
    ],
)
def test_token_never_changes_hosts(own: _Host, told: _Host, chosen: _Host) -> None:
    hosts = [one and LabelStudioHost(*one) for one in (own, told, chosen)]
    assert choose_host(hosts[0], hosts[1]) == hosts[2]


def test_host_hides_its_token() -> None:
    assert "secret" not in repr(LabelStudioHost("http://a", "secret"))


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("http://A/x", "http://a:80/y", True),
        ("https://a", "https://a:443", True),
        ("http://a", "http://a:8080", False),
        ("http://a@b", "http://a", False),
        ("http://a.b", "http://a.b.c", False),
        ("http://evil\\@own", "http://own", False),
        ("nothing", "nothing", False),
        ("http://a:x", "http://a:x", False),
    ],
)
def test_origin_is_scheme_host_and_port(url: str, other: str, same: bool) -> None:
    assert same_origin(url, other) is same


# --- local files and data: URIs ---------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "set1").mkdir(parents=True)
    (folder / "set1" / "local one.jpg").write_bytes(b"picture")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too" / "secret.jpg").write_bytes(b"secret")
    return folder


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("/data/local-files/?d=set1/local%20one.jpg", id="percent-encoded"),
        pytest.param("/data/local-files/?d=set1/local+one.jpg", id="plus for a space"),
        pytest.param("/data/local-files/?d=set1/local one.jpg", id="bare space"),
        pytest.param("/data/local-files?d=/set1//local%20one.jpg", id="slashes"),
        pytest.param("/data/local-files/?d=set1/../set1/local%20one.jpg", id="dots that stay inside"),
        pytest.param("http://public.example:8080/data/local-files/?d=set1/local%20one.jpg", id="public name"),
    ],
)
def test_local_file_is_read_from_the_mounted_folder(root: Path, uri: str) -> None:
    assert _source(root=root).fetch(uri).data == b"picture"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "%2e%2e/secret.jpg",
        "set1/../../secret.jpg",
        "/../secret.jpg",
        "../root-too/secret.jpg",
        "a%00b",
    ],
)
def test_path_out_of_the_folder_is_refused(root: Path, name: str) -> None:
    with pytest.raises(ImageSourceError, match="outside the document root"):
        _source(root=root).fetch(f"/data/local-files/?d={name}")


def test_local_file_that_is_not_mounted_is_asked_from_label_studio(root: Path, studio: PictureServer) -> None:
    path = "/data/local-files/?d=set2/a.jpg"
    assert _source(studio.url, root=root).fetch(path).data == path.encode() * 10


def test_local_file_address_without_a_file_is_refused(root: Path) -> None:
    with pytest.raises(ImageSourceError, match="names no file"):
        _source(root=root).fetch("/data/local-files/?x=1")


def test_local_file_beyond_the_limit_is_refused(root: Path) -> None:
    with pytest.raises(ImageSourceError, match="SAM_MAX_PICTURE_MB"):
        _source(root=root, max_bytes=6).fetch("/data/local-files/?d=set1/local%20one.jpg")


def test_local_file_with_a_name_no_disk_takes_is_an_ordinary_error(root: Path) -> None:
    with pytest.raises(ImageSourceError):
        _source(root=root).fetch(f"/data/local-files/?d={'a' * 5000}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_local_file_that_may_not_be_read_is_an_ordinary_error(root: Path) -> None:
    (root / "set1" / "local one.jpg").chmod(0)
    with pytest.raises(ImageSourceError, match="can't be read"):
        _source(root=root).fetch("/data/local-files/?d=set1/local%20one.jpg")


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("data:image/png;base64," + base64.b64encode(b"a picture").decode(), id="base64"),
        pytest.param("DATA:image/png;base64,YSBw aWN0\ndXJl", id="upper case, white space"),
        pytest.param("data:image/png;base64,YSBwaWN0dXJl%0A", id="base64, percent-encoded"),
        pytest.param("data:,a%20picture", id="percent-encoded"),
    ],
)
def test_data_uri_is_decoded(uri: str) -> None:
    assert _source(max_bytes=9).fetch(uri).data == b"a picture"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        pytest.param("data:image/png;base64", "no comma", id="no comma"),
        pytest.param("data:;base64,A", "damaged base64", id="padding"),
        pytest.param("data:;base64,****", "damaged base64", id="foreign signs"),
        pytest.param("data:;base64,\ud800", "damaged base64", id="half a surrogate pair"),
        pytest.param("data:,12345678901", "SAM_MAX_PICTURE_MB", id="too large"),
        pytest.param("data:," + "a" * 100, "SAM_MAX_PICTURE_MB", id="far too large"),
    ],
)
def test_data_uri_that_makes_no_sense_is_refused(uri: str, message: str) -> None:
    with pytest.raises(ImageSourceError, match=message):
        _source(max_bytes=10).fetch(uri)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/a.png?sig=secret#x", "https://host/a.png"),
        ("data:image/png;base64,secret", "data:..."),
        ("http://h/data/local-files/?d=set1/a.png", "http://h/data/local-files/?d=set1/a.png"),
        ("/data/upload/1/a.png", "/data/upload/1/a.png"),
        ("http://h/" + "a" * 500, "http://h/" + "a" * 191),
    ],
    ids=["credentials and signature", "content", "local file", "relative", "long"],
)
def test_address_in_a_message_has_no_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
