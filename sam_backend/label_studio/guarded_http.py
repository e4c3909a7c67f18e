"""HTTP requests whose connections pass an `AddressGate`: the address is checked where the socket is made."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from sam_backend.label_studio.addresses import AddressGate


class OnlyThisAuthorization(requests.auth.AuthBase):
    """Sends one ``Authorization``, or none; without an ``auth`` of its own ``requests`` would ask ~/.netrc."""

    def __init__(self, authorization: str | None) -> None:
        self._authorization = authorization

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        return request


@contextmanager
def guarded_request(
    method: str,
    url: str,
    gate: AddressGate,
    *,
    authorization: str | None,
    timeout_s: float,
    headers: dict[str, str] | None = None,
    json: object = None,
) -> Iterator[requests.Response]:
    """Send one request and stream its answer; redirects are handed out, not followed.

    Raises:
        ImageSourceError: the gate refuses the address.
        requests.RequestException: it went wrong on the way.
    """
    with requests.Session() as session:
        adapter = _GuardedAdapter(gate)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        auth = OnlyThisAuthorization(authorization)
        with session.request(
            method, url, auth=auth, timeout=timeout_s, headers=headers, json=json, stream=True, allow_redirects=False
        ) as response:
            yield response


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, gate: AddressGate) -> None:
        self._gate = gate
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the signature of the base class
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._gate)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        url = str(request.url)
        if select_proxy(url, kwargs.get("proxies")):
            _check_proxied(url, self._gate)
        return super().send(request, *args, **kwargs)


def _check_proxied(url: str, gate: AddressGate) -> None:
    """A proxy resolves names itself; what can be known here is checked here, the rest is the proxy's to refuse."""
    try:
        gate.addresses(urlsplit(url).hostname or "", 0)
    except OSError:
        return


def _pool_classes(gate: AddressGate) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(_Guarded, HTTPConnection):
        address_gate = gate

    class TlsConnection(_Guarded, HTTPSConnection):
        address_gate = gate

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": Pool, "https": TlsPool}


class _Guarded:
    """Replaces the one method of urllib3's connections that resolves a name and opens a socket."""

    address_gate: AddressGate

    def _new_conn(self: Any) -> socket.socket:
        try:
            return _first_that_connects(self, self.address_gate.addresses(self.host, self.port))
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error


def _first_that_connects(connection: Any, addresses: list[str]) -> socket.socket:  # noqa: ANN401 - see `_Guarded`
    *others, last = addresses
    for address in others:
        try:
            return _connect(connection, address)
        except OSError:
            continue
    return _connect(connection, last)


def _connect(connection: Any, address: str) -> socket.socket:  # noqa: ANN401 - see `_Guarded`
    return create_connection(
        (address, connection.port),
        connection.timeout,
        source_address=connection.source_address,
        socket_options=connection.socket_options,
    )
