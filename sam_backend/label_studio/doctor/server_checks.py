"""Label Studio itself: is it there, which one is it, does the token open it."""

from __future__ import annotations

from sam_backend.label_studio.doctor.check import Finding, fail, ok, warn
from sam_backend.label_studio.studio_api import Answer, StudioApi
from sam_backend.label_studio.tokens import TokenKind, cure_for_401, token_kind

_RELEASE_KEYS = ("release", "label-studio-os-package")


def check_url(api: StudioApi) -> Finding:
    """Whether the address leads to a Label Studio."""
    answer = api.version()
    if answer.location is not None:
        return fail(
            f"{api.host.url} redirects to {answer.location[:200]}",
            "set LABEL_STUDIO_URL to the address it redirects to: a token isn't sent past a redirect",
        )
    release = release_of(answer)
    if release is None:
        return fail(
            f"{api.host.url} answered {answer.status}, not as a Label Studio does",
            "set LABEL_STUDIO_URL to its address, with the path if it lies below one",
        )
    return ok(f"Label Studio {release} at {api.host.url}")


def release_of(answer: Answer) -> str | None:
    """The release that ``/api/version`` names; None if it isn't Label Studio that answered."""
    if answer.status != 200 or not isinstance(answer.body, dict):
        return None
    for key in _RELEASE_KEYS:
        value = answer.body.get(key)
        value = value.get("version") if isinstance(value, dict) else value
        if isinstance(value, str):
            return value
    return None


def check_token(api: StudioApi) -> Finding:
    """Which kind of token it is, and whether Label Studio takes it."""
    if api.host.api_key is None:
        return fail("LABEL_STUDIO_API_KEY is not set", cure_for_401(api.host))
    kind = token_kind(api.host.api_key)
    answer = api.who_am_i()
    if answer.status == 401:
        return fail(f"the {kind.value} is refused ({answer.text})", cure_for_401(api.host))
    if answer.status != 200 or not isinstance(answer.body, dict):
        return fail(f"/api/current-user/whoami answered {answer.status}", "check LABEL_STUDIO_URL")
    whose = answer.body.get("email") or answer.body.get("username") or "somebody"
    if kind is TokenKind.ACCESS:
        return warn(f"an access token of {whose}", cure_for_401(api.host))
    return ok(f"{kind.value} of {whose}")
