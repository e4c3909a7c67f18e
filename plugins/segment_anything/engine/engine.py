"""What every way to the raster engine has in common. The requests are those of ``docs/raster-protocol.md``."""

from __future__ import annotations

from typing import Any, Callable, Protocol

from .wording import tr

PROTOCOL = 1
"""The version of the protocol that this plugin speaks."""

Fields = dict[str, Any]
"""A JSON object."""

OnEvent = Callable[[Fields], None]
"""Takes an event ``log`` or ``progress``, in the thread that called."""

IsCancelled = Callable[[], bool]
"""Asked at least ten times a second, in the thread that called."""


class ErrorKind:
    """What an `EngineError` is about: the kinds of the protocol, and what can go wrong on the way."""

    BAD_REQUEST = "bad_request"
    RASTER = "raster"
    LAYER = "layer"
    MODEL = "model"
    STORAGE = "storage"
    OUT_OF_MEMORY = "out_of_memory"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    NOT_SET_UP = "not_set_up"
    """No Python and no server is known, or it lacks the backend."""

    ENDED = "ended"
    """The worker ended by itself, or was killed."""

    NO_SERVER = "no_server"
    """Nothing answers there, or not what was hoped for."""

    REFUSED = "refused"
    """The server wants another token."""

    PROTOCOL = "protocol"
    """The backend is older or newer than this plugin."""

    CANCELLED = "cancelled"
    """The caller gave up before there was a result."""


class EngineError(Exception):
    """A request that has no result. The message is one sentence for people: what came, what was wanted, what to do."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        """One of `ErrorKind`."""


class Engine(Protocol):
    """Answers requests. Every method may be called from any thread, several at once."""

    def call(
        self,
        op: str,
        fields: Fields,
        on_event: OnEvent | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> Fields:
        """Ask and wait for the result; the first call starts what must be started.

        A cancelled ``run`` has a result too, whose ``state`` is ``cancelled``.

        Args:
            op: ``hello``, ``run``, ``refilter``, ``object`` or ``prefetch``.
            fields: of the request. Paths are of this machine; None stands for a field that wasn't given.
            on_event: told of what happens meanwhile.
            is_cancelled: whether the caller has lost interest.

        Returns:
            The fields of the ``result``, without ``id`` and ``event``.

        Raises:
            EngineError: there is no result.
        """
        ...

    def sees(self, path: str) -> bool:
        """Whether a file of this machine can be opened by its path where the engine runs; others are sent."""
        ...

    def close(self) -> None:
        """End what was started, within three seconds. The next call starts it again."""
        ...


def check_hello(hello: Fields, where: str) -> Fields:
    """A ``hello`` that this plugin can work with.

    Args:
        hello: the result.
        where: what answered, for the message.

    Raises:
        EngineError: it speaks another version of the protocol.
    """
    spoken = hello.get("protocol")
    if spoken != PROTOCOL:
        is_newer = isinstance(spoken, int) and spoken > PROTOCOL
        raise EngineError(
            ErrorKind.PROTOCOL,
            (
                tr("{0} (version {1}) speaks protocol {2}, this plugin speaks {3}: update the plugin")
                if is_newer
                else tr("{0} (version {1}) speaks protocol {2}, this plugin speaks {3}: update the backend")
            ).format(where, hello.get("version", "?"), spoken, PROTOCOL),
        )
    return hello
