import threading
from collections.abc import Iterator

import pytest
from fake_studio import LEGACY, PERSONAL, FakeStudio, jwt, running

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost, by_own_name
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.tokens import TokenExchange, TokenKind, cure_for_401, token_kind

PATH = "/data/upload/1/a.png"
S3 = "s3://bucket/folder/ä b.png"
NOWHERE = AllowedHosts()


@pytest.fixture
def fake() -> Iterator[FakeStudio]:
    with running(FakeStudio(pictures={PATH: b"picture", S3: b"from the store"})) as studio:
        yield studio


def _host(fake: FakeStudio, key: str | None = PERSONAL) -> LabelStudioHost:
    return LabelStudioHost(fake.url, key, is_configured=True)


def _source(fake: FakeStudio, key: str | None = PERSONAL, cache_bytes: int = 0) -> ImageSource:
    downloader = Downloader(FetchLimits(1000, 5), NOWHERE, TokenExchange(NOWHERE))
    return ImageSource(_host(fake, key), None, downloader, PictureCache(cache_bytes))


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        pytest.param(LEGACY, TokenKind.LEGACY, id="legacy"),
        pytest.param(PERSONAL, TokenKind.PERSONAL, id="personal"),
        pytest.param(jwt("access", "a"), TokenKind.ACCESS, id="access"),
        pytest.param("a.b.c", TokenKind.LEGACY, id="dots, no JWT"),
        pytest.param("a.MQ.c", TokenKind.LEGACY, id="JWT of a number"),
    ],
)
def test_kind_of_a_token_is_known_by_its_shape(token: str, kind: TokenKind) -> None:
    assert token_kind(token) is kind


def test_personal_token_is_exchanged_once_and_sent_as_bearer(fake: FakeStudio) -> None:
    source = _source(fake)
    assert source.fetch(PATH).data == source.fetch(PATH).data == b"picture"
    assert [(path, status) for path, _, status in fake.asked] == [
        ("/api/token/refresh/", 200),
        (PATH, 200),
        (PATH, 200),
    ]
    assert not any(PERSONAL in str(header) for _, header, _ in fake.asked)


def test_access_token_that_is_refused_is_renewed_once(fake: FakeStudio) -> None:
    source = _source(fake)
    source.fetch(PATH)
    fake.valid_access.clear()  # as after five minutes, or a restart with another secret
    assert source.fetch(PATH).data == b"picture"
    assert (fake.exchanges, fake.count(PATH, 401)) == (2, 1)


def test_many_threads_share_one_exchange_and_one_renewal(fake: FakeStudio) -> None:
    tokens = TokenExchange(NOWHERE)
    refused: str | None = None
    for exchanges in (1, 2):
        headers: list[str | None] = []
        threads = [
            threading.Thread(target=lambda: headers.append(tokens.authorization(_host(fake), 5, refused)))  # noqa: B023
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(headers), len(set(headers)), fake.exchanges) == (8, 1, exchanges)
        refused = headers[0]


@pytest.mark.parametrize(("life_s", "after_s", "exchanges"), [(300, 269, 1), (300, 271, 2), (0, 271, 2), (60, 31, 2)])
def test_access_token_is_renewed_before_it_ends(
    fake: FakeStudio, life_s: float, after_s: float, exchanges: int
) -> None:
    fake.life_s = life_s
    now_s = [100.0]
    tokens = TokenExchange(NOWHERE, clock=lambda: now_s[0])
    tokens.authorization(_host(fake), 5)
    now_s[0] += after_s
    tokens.authorization(_host(fake), 5)
    assert fake.exchanges == exchanges


def test_of_hundreds_of_tokens_the_oldest_are_forgotten(fake: FakeStudio) -> None:
    tokens = TokenExchange(NOWHERE)
    fake.personal = None
    for number in range(102):
        tokens.authorization(_host(fake, jwt("refresh", str(number))), 5)
    tokens.authorization(_host(fake, jwt("refresh", "101")), 5)
    assert fake.exchanges == 102
    tokens.authorization(_host(fake, jwt("refresh", "0")), 5)
    assert fake.exchanges == 103


def test_refused_personal_token_says_to_make_a_new_one(fake: FakeStudio) -> None:
    with pytest.raises(ImageSourceError, match=r"refuses the personal access token \(401\): make a new one") as caught:
        _source(fake, jwt("refresh", "revoked")).fetch(PATH)
    assert jwt("refresh", "revoked") not in str(caught.value)


def test_legacy_token_where_those_are_off_says_which_setting_to_change(fake: FakeStudio) -> None:
    fake.legacy_allowed = False
    with pytest.raises(ImageSourceError, match=r"personal access token .* or let the owner allow legacy tokens"):
        _source(fake, LEGACY).fetch(PATH)
    assert fake.count(PATH, 401) == 1


@pytest.mark.parametrize(
    ("key", "cure"),
    [
        pytest.param(None, "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY", id="none"),
        pytest.param(PERSONAL, "even a fresh access token is refused", id="personal"),
        pytest.param(jwt("access", "a"), "ends after 5 minutes", id="access"),
        pytest.param(LEGACY, "/setup handed over a legacy token", id="told"),
    ],
)
def test_every_kind_of_token_has_its_cure(key: str | None, cure: str) -> None:
    assert cure in cure_for_401(LabelStudioHost("http://a", key))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "knows no personal access tokens"),
        (302, "redirects instead of answering"),
        (500, "answered 500"),
        (200, "gave no access token"),
    ],
)
def test_answer_that_is_no_access_token_says_what_to_check(fake: FakeStudio, status: int, message: str) -> None:
    fake.exchange_status, fake.personal = status, ""
    with pytest.raises(ImageSourceError, match=message):
        _source(fake).fetch(PATH)


def test_server_that_is_not_there_is_named_when_a_token_is_exchanged() -> None:
    with pytest.raises(ImageSourceError, match="can't be exchanged: check LABEL_STUDIO_URL"):
        TokenExchange(NOWHERE).authorization(LabelStudioHost("http://127.0.0.1:9", PERSONAL, is_configured=True), 5)


# --- cloud storage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", ["s3://bucket/a.png", "gs://bucket/a.png", "azure-blob://box/a.png", S3])
def test_cloud_picture_comes_by_the_servers_presign_route(fake: FakeStudio, uri: str) -> None:
    fake.pictures[uri] = b"from the store"
    assert _source(fake).fetch(uri, task_id=7).data == b"from the store"
    assert fake.asked[-1][0] == "/tasks/7/presign/"


def test_presign_redirect_into_the_private_network_is_followed_without_the_token(fake: FakeStudio) -> None:
    with running(FakeStudio(pictures={"/bucket/a.png?X-Signature=1": b"signed"})) as store:
        store.valid_access.add("")
        fake.presigned[S3] = f"{store.url}/bucket/a.png?X-Signature=1"
        with pytest.raises(ImageSourceError, match="answered 401"):  # it asks for a token as studios do; it got none
            _source(fake).fetch(S3, task_id=7)
        assert [asked[:2] for asked in store.asked] == [("/bucket/a.png", None)]


def test_redirect_of_another_route_into_the_private_network_is_refused(fake: FakeStudio) -> None:
    fake.presigned["x"] = "http://127.0.0.1:9/a.png"
    with pytest.raises(ImageSourceError, match=r"private address.*SAM_ALLOWED_HOSTS"):
        _source(fake).fetch("/tasks/7/presign/?fileuri=eA==")


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[fd00:ec2::254]/"]
)
def test_presign_redirect_to_a_metadata_service_is_refused(fake: FakeStudio, target: str) -> None:
    fake.presigned[S3] = target
    with pytest.raises(ImageSourceError, match="metadata address"):
        _source(fake).fetch(S3, task_id=7)


def test_presign_redirect_to_a_file_is_refused(fake: FakeStudio) -> None:
    fake.presigned[S3] = "file:///etc/passwd"
    with pytest.raises(ImageSourceError, match="aren't fetched"):
        _source(fake).fetch(S3, task_id=7)


def test_cloud_picture_without_storage_says_to_connect_it(fake: FakeStudio) -> None:
    with pytest.raises(ImageSourceError, match=r"answered 404: .*storage for it is connected"):
        _source(fake).fetch("gs://other/a.png", task_id=7)


def test_cloud_picture_without_a_task_says_what_is_missing(fake: FakeStudio) -> None:
    with pytest.raises(ImageSourceError, match="send the task's id"):
        _source(fake).fetch(S3)


# --- one download -----------------------------------------------------------------------------------------------------


def test_concurrent_asks_share_one_download(fake: FakeStudio) -> None:
    fake.pause = threading.Event()
    source, data = _source(fake, LEGACY), []
    threads = [threading.Thread(target=lambda: data.append(source.fetch(PATH).data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    threading.Timer(0.3, fake.pause.set).start()
    for thread in threads:
        thread.join()
    assert (data, fake.count(PATH)) == ([b"picture"] * 8, 1)


def test_second_click_downloads_nothing(fake: FakeStudio) -> None:
    source = _source(fake, LEGACY, cache_bytes=100)
    assert source.fetch(PATH) is source.fetch(PATH)
    assert fake.count(PATH) == 1
    assert len(source.cache) == 1


def test_picture_of_one_token_is_not_handed_to_another(fake: FakeStudio) -> None:
    source = _source(fake, None, cache_bytes=100)
    assert source.fetch(PATH, LabelStudioHost(fake.url, LEGACY)).data == b"picture"
    with pytest.raises(ImageSourceError, match="answered 401"):
        source.fetch(PATH, LabelStudioHost(fake.url, "another"))


def test_public_name_is_fetched_by_the_name_used_here(fake: FakeStudio) -> None:
    source = _source(fake, LEGACY)
    told = LabelStudioHost("http://localhost:8080", "told")
    assert source.fetch(f"http://localhost:8080{PATH}", told).data == b"picture"
    assert fake.asked[-1][:2] == (PATH, f"Token {LEGACY}")


def test_picture_that_may_change_is_asked_for_again_and_not_sent_again(
    fake: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/data/local-files/?d=a.png"
    fake.etags, fake.pictures[path] = True, b"local"
    monkeypatch.setattr("sam_backend.label_studio.picture_cache.FRESH_S", 0.0)
    source = _source(fake, LEGACY, cache_bytes=100)
    assert source.fetch(path) is source.fetch(path)
    assert [status for _, _, status in fake.asked] == [200, 304]
    fake.pictures[path] = b"other"
    assert source.fetch(path).data == b"other"


def test_size_that_is_announced_too_large_is_refused_before_it_is_sent(fake: FakeStudio) -> None:
    fake.pictures[PATH] = b"x" * 1001
    with pytest.raises(ImageSourceError, match=r"larger than the .* MB allowed: raise SAM_MAX_PICTURE_MB"):
        _source(fake, LEGACY).fetch(PATH)


def test_without_a_label_studio_a_foreign_address_stays_as_it_is() -> None:
    source = ImageSource(None, None, Downloader(FetchLimits(9, 1), NOWHERE, TokenExchange(NOWHERE)), PictureCache(0))
    with pytest.raises(ImageSourceError, match="private address"):
        source.fetch("http://127.0.0.1:9/a.png")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://labels.example/data/a?b=c", "http://ls:8080/data/a?b=c"),
        ("https://LABELS.example:443/", "http://ls:8080/"),
        ("https://labels.example", "http://ls:8080/"),
        ("https://labels.example.org/a", "https://labels.example.org/a"),
        ("http://labels.example/a", "http://labels.example/a"),
        ("http://proxy/label/data/a", "http://ls:8080/data/a"),
        ("http://proxy/labels/data/a", "http://proxy/labels/data/a"),
    ],
)
def test_public_names_are_told_from_look_alikes(url: str, found: str) -> None:
    own = LabelStudioHost("http://ls:8080", LEGACY, is_configured=True)
    assert by_own_name(url, own, ["https://labels.example/", "http://proxy/label"]) == found
