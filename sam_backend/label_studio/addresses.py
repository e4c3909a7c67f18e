"""Which network addresses a picture may come from: the public ones, and those that a setting lists."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from sam_backend.errors import ImageSourceError

IpAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
IpNetwork: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_METADATA = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # AWS, Azure, Google, OpenStack and others
        "fe80::/10",
        "fd00:ec2::254/128",  # AWS over IPv6
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's host, at an address that looks public
        "192.0.0.192/32",  # Oracle
    )
)


class Reach(Enum):
    """How far a connection may go."""

    ANYWHERE = "anywhere"
    """To an address that the operator set."""

    NETWORK = "network"
    """Into the private network too, but not to link-local and metadata addresses."""

    PUBLIC = "public"
    """To public addresses."""


class _Kind(Enum):
    PUBLIC = "public"
    PRIVATE = "private"
    METADATA = "link-local or metadata"


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts and networks that pictures may come from although their addresses aren't public."""

    names: frozenset[str] = frozenset()
    """In lower case."""

    networks: tuple[IpNetwork, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> AllowedHosts:
        """Sort ``entries`` into names, and addresses or CIDR networks."""
        names, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        return cls(frozenset(names), tuple(networks))

    def lists(self, host: str, address: IpAddress) -> bool:
        """Whether the host's name or its address is listed."""
        return host.lower().rstrip(".") in self.names or any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class AddressGate:
    """Turns a host into the addresses to connect to, or refuses.

    The connection goes to exactly what was checked: a name that resolves differently a moment later wins nothing.
    """

    allowed: AllowedHosts
    reach: Reach

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve ``host``, and refuse it if any of its addresses may not be reached.

        Raises:
            ImageSourceError: refused, with what to set.
            OSError: no such host.
        """
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found))
        for address in addresses:
            self._check(host, ipaddress.ip_address(address))
        return addresses

    def _check(self, host: str, address: IpAddress) -> None:
        if self.reach is Reach.ANYWHERE or self.allowed.lists(host, _unwrapped(address)):
            return
        kind = _kind(address)
        if kind is _Kind.METADATA or (kind is _Kind.PRIVATE and self.reach is Reach.PUBLIC):
            raise ImageSourceError(
                f"{_place(host, address)} is a {kind.value} address, where pictures aren't fetched from: "
                "if that is meant, list the host or its network in SAM_ALLOWED_HOSTS"
            )


def _place(host: str, address: IpAddress) -> str:
    return str(address) if host.strip("[]") == str(address) else f"{host[:100]} is at {address}, which"


def _kind(address: IpAddress) -> _Kind:
    inner = _unwrapped(address)
    if any(inner in network for network in _METADATA):
        return _Kind.METADATA
    return _Kind.PUBLIC if inner.is_global and not inner.is_multicast else _Kind.PRIVATE


def _unwrapped(address: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 address carries, if it carries one: that is where the packets end."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if embedded:
        return embedded
    is_loopback = address in (ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1"))
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and not is_loopback):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
