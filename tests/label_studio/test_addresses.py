import ipaddress
import socket
from typing import Any

import pytest
from picture_server import PictureServer

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.addresses import AddressGate, AllowedHosts, Reach
from sam_backend.label_studio.guarded_http import guarded_request

PRIVATE = ["127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1", "240.0.0.1"]  # noqa: S104
PRIVATE_6 = [
    "::1",
    "::",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]
METADATA = ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254"]
TEREDO = "2001:0:4136:e378:8000:63bf:80ff:fffe"  # carries 127.0.0.1
PUBLIC = ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def _gate(reach: Reach, *allowed: str) -> AddressGate:
    return AddressGate(AllowedHosts.of(allowed), reach)


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_6, *METADATA, TEREDO])
def test_foreign_picture_may_not_lie_at_a_private_address(address: str) -> None:
    with pytest.raises(ImageSourceError, match=r"address, where pictures aren't fetched from: .*SAM_ALLOWED_HOSTS"):
        _gate(Reach.PUBLIC).addresses(address, 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_foreign_picture_may_lie_at_a_public_address(address: str) -> None:
    found = [ipaddress.ip_address(one) for one in _gate(Reach.PUBLIC).addresses(address, 80)]
    assert found == [ipaddress.ip_address(address)]


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost"])
def test_other_spellings_of_loopback_are_seen_through(spelling: str) -> None:
    with pytest.raises(ImageSourceError, match="private address"):
        _gate(Reach.PUBLIC).addresses(spelling, 80)


@pytest.mark.parametrize("address", METADATA)
def test_told_server_may_be_private_but_no_metadata_service(address: str) -> None:
    with pytest.raises(ImageSourceError, match="metadata address"):
        _gate(Reach.NETWORK).addresses(address, 80)
    assert _gate(Reach.NETWORK).addresses("10.0.0.1", 80) == ["10.0.0.1"]


def test_operator_s_own_server_may_be_anywhere() -> None:
    assert _gate(Reach.ANYWHERE).addresses("169.254.1.1", 80) == ["169.254.1.1"]


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("10.0.0.0/8", "10.9.9.9"),
        ("10.9.9.9", "::ffff:10.9.9.9"),
        ("LOCALHOST", "localhost"),
        ("localhost.", "localhost"),
        ("169.254.169.254", "169.254.169.254"),
        ("fc00::/7", "fc00::5"),
        ("10.0.0.1/8", "10.9.9.9"),
    ],
)
def test_listed_host_or_network_may_be_reached(listed: str, host: str) -> None:
    assert _gate(Reach.PUBLIC, listed).addresses(host, 80)


def test_name_that_resolves_to_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolve(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(ImageSourceError, match=r"10\.0\.0\.1"):
        _gate(Reach.PUBLIC).addresses("both.example", 80)


def test_name_is_resolved_once_so_that_rebinding_wins_nothing(
    monkeypatch: pytest.MonkeyPatch, elsewhere: PictureServer
) -> None:
    port = int(elsewhere.url.rpartition(":")[2])
    answers = iter([["127.0.0.1"]])
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401
        return real(next(answers)[0] if host == "rebinding.example" else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    gate = _gate(Reach.PUBLIC, "127.0.0.1")
    with guarded_request(
        "GET", f"http://rebinding.example:{port}/a", gate, authorization=None, timeout_s=5
    ) as response:
        assert response.status_code == 200
    with pytest.raises(StopIteration):
        next(answers)


def test_second_address_is_tried_when_the_first_is_dead(
    monkeypatch: pytest.MonkeyPatch, elsewhere: PictureServer
) -> None:
    port = int(elsewhere.url.rpartition(":")[2])
    _resolve(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    gate = _gate(Reach.PUBLIC, "127.0.0.0/8")
    with guarded_request("GET", f"http://two.example:{port}/a", gate, authorization=None, timeout_s=5) as response:
        assert response.status_code == 200


def test_refused_address_is_never_connected_to(elsewhere: PictureServer) -> None:
    with (
        pytest.raises(ImageSourceError, match="private address"),
        guarded_request("GET", elsewhere.url, _gate(Reach.PUBLIC), authorization=None, timeout_s=5),
    ):
        pytest.fail("it went through")
    assert elsewhere.asked == []


def test_proxy_does_not_open_the_private_network(elsewhere: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", elsewhere.url)
    monkeypatch.setenv("no_proxy", "")
    with (
        pytest.raises(ImageSourceError, match="private address"),
        guarded_request("GET", "http://10.0.0.1/a", _gate(Reach.PUBLIC), authorization=None, timeout_s=5),
    ):
        pytest.fail("it went through")
    with guarded_request(
        "GET", "http://name.invalid/a", _gate(Reach.PUBLIC), authorization=None, timeout_s=5
    ) as response:
        assert response.status_code == 200  # a name only the proxy knows: the proxy's to refuse
    assert [path for path, _ in elsewhere.asked] == ["http://name.invalid/a"]


def _resolve(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401
        names = addresses if host.endswith(".example") else [host]
        return [info for name in names for info in real(name, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
