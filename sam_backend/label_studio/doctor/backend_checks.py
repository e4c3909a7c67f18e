"""The way from Label Studio to this backend: its address, its webhook, what is connected."""

from __future__ import annotations

import ipaddress
import time
from typing import Any
from urllib.parse import urlsplit

from sam_backend.label_studio.doctor.check import Finding, fail, ok, skip, warn
from sam_backend.label_studio.hosts import LabelStudioHost, same_origin
from sam_backend.label_studio.studio_api import Answer, StudioApi, ask

_HEALTH_LIMIT_S = 1.0
_BLOCKED_SIGNS = ("reserved network address", "was not allowed")
_RESTART = "in Label Studio's own environment, and restart it"


def check_backend(backend_url: str, timeout_s: float) -> Finding:
    """Whether the backend answers here, and as quickly as Label Studio wants it."""
    started_s = time.perf_counter()
    answer = ask(LabelStudioHost(backend_url, is_configured=True), "GET", "/health", None, None, timeout_s)
    took_s = time.perf_counter() - started_s
    if answer.status != 200 or not isinstance(answer.body, dict) or answer.body.get("status") != "UP":
        return fail(f"{backend_url}/health answered {answer.status}", "give the address of this service: --backend-url")
    if "state" not in answer.body:
        return ok("it is up, and says no more to who has no SAM_API_TOKEN")
    state = str(answer.body.get("state"))
    if state == "failed":
        return fail(f"the model isn't loaded: {answer.body.get('error')}", "mend that and start the backend again")
    if took_s > _HEALTH_LIMIT_S:
        return warn(f"/health took {took_s:.1f} s", "Label Studio waits 1 s for it: see what keeps the machine busy")
    if state == "loading":
        return warn("the model is still loading", "wait a moment")
    return ok(f"model {answer.body.get('model')} on {answer.body.get('device')} is ready")


def check_address_rule(api: StudioApi, backend_url: str) -> Finding:
    """Whether Label Studio may talk to the backend's address (``ML_BLOCK_LOCAL_IP``)."""
    return _judge(api.try_backend_address(backend_url), backend_url, "project", "ML_BLOCK_LOCAL_IP=false")


def check_webhook_rule(api: StudioApi, backend_url: str) -> Finding:
    """Whether Label Studio may send events there (``SSRF_PROTECTION_ENABLED``)."""
    answer = api.try_webhook_address(f"{backend_url}/webhook")
    return _judge(answer, backend_url, "actions", "SSRF_PROTECTION_ENABLED=false")


def _judge(answer: Answer, backend_url: str, wrong_on_purpose: str, setting: str) -> Finding:
    """Of an offer that has to be refused: was it for the address, or for what is wrong on purpose?"""
    if any(sign in answer.text for sign in _BLOCKED_SIGNS):
        return fail(f"Label Studio refuses {backend_url}: {answer.text}", f"set {setting} {_RESTART}")
    if "resolve hostname" in answer.text:
        return fail(
            f"Label Studio can't resolve the name in {backend_url}",
            "give the address by which Label Studio's machine or container reaches this one: --backend-url",
        )
    if answer.status == 400 and isinstance(answer.body, dict) and _complaint(answer.body, wrong_on_purpose):
        return ok("Label Studio may talk to this address")
    if answer.status in (401, 403):
        return skip(f"this token may not ask ({answer.status} {answer.text})", "use the token of an administrator")
    return warn(f"Label Studio answered {answer.status} {answer.text}", _by_the_address(backend_url, setting))


def _complaint(body: dict[str, Any], field: str) -> bool:
    """Older releases put the complaints of each field under ``validation_errors``."""
    errors = body.get("validation_errors")
    complaints = errors if isinstance(errors, dict) else body
    return field in complaints and "url" not in complaints


def _by_the_address(backend_url: str, setting: str) -> str:
    name = urlsplit(backend_url).hostname or ""
    try:
        is_private = not ipaddress.ip_address(name).is_global
    except ValueError:
        is_private = "." not in name
    likely = "is private" if is_private else "may be private"
    return f"the address {likely}: from 1.23.1 on Label Studio reaches such a backend only with {setting} {_RESTART}"


def check_connection(answer: Answer, backend_url: str) -> Finding:
    """Whether the project has this backend as its interactive model, and how Label Studio finds it."""
    if answer.status != 200 or not isinstance(answer.body, list):
        return skip(f"/api/ml answered {answer.status}", "use a token that may open the project")
    ours = connected_backend(answer, backend_url)
    if ours is None:
        others = ", ".join(str(backend.get("url")) for backend in answer.body) or "none"
        return warn(
            f"the project's models: {others}",
            f"connect {backend_url} under Settings > Model, with interactive preannotations on",
        )
    if ours.get("state") == "DI":
        return fail(
            f"Label Studio can't reach {backend_url}",
            "give an address that works from its machine or container, and look at the two address checks above",
        )
    if ours.get("state") != "CO":
        return fail(
            f"Label Studio says {ours.get('readable_state')}: {str(ours.get('error_message'))[:300]}",
            "look at the backend's log",
        )
    if not ours.get("is_interactive"):
        return fail(f"{backend_url} is connected without interactive preannotations", "edit the model, and tick them")
    first = next(backend for backend in answer.body if backend.get("is_interactive"))
    if first is not ours:
        return fail(
            f"clicks go to the model {first.get('title')!r}, the first interactive one",
            "untick that one's preannotations",
        )
    return ok(f"connected as {ours.get('title')!r}, interactive")


def connected_backend(answer: Answer, backend_url: str) -> dict[str, Any] | None:
    """The project's model at ``backend_url``; None if there is none."""
    if answer.status != 200 or not isinstance(answer.body, list):
        return None
    backends = [backend for backend in answer.body if isinstance(backend, dict)]
    return next((backend for backend in backends if same_origin(str(backend.get("url")), backend_url)), None)


def check_webhook(answer: Answer, backend_url: str) -> Finding:
    """Whether Label Studio tells the backend of new tasks and annotations."""
    if answer.status != 200 or not isinstance(answer.body, list):
        return skip(f"/api/webhooks/ answered {answer.status}", "use a token that may open the project")
    ours = [hook for hook in answer.body if same_origin(str(hook.get("url")), backend_url)]
    if not ours:
        return warn(
            "no webhook leads to this backend, so it hears of no new tasks",
            "mend the webhook's address check, then remove and connect the model again: that makes the webhook",
        )
    if not any(hook.get("is_active") for hook in ours):
        return warn("the webhook is switched off", "switch it on under Settings > Webhooks")
    return ok(str(ours[0].get("url")))
