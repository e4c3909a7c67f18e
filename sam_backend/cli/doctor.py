"""``doctor``: why nothing happens on a click; each step from Label Studio to a mask, timed, with a cure."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict

from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.doctor.check import Check, Verdict, worst
from sam_backend.label_studio.doctor.checkup import Checkup
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.studio_api import StudioApi
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.settings import Settings

EXIT_FAILED = 1
_MARKS = {Verdict.OK: "ok", Verdict.WARN: "warn", Verdict.FAIL: "FAIL", Verdict.SKIP: "-"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "doctor",
        help="why nothing happens on a click in Label Studio: check every step, and say what to change",
        description="Checks every step from Label Studio to a mask. Reads the same environment variables as the "
        "service, changes nothing in Label Studio, and ends with 1 if something can't work.",
    )
    parser.add_argument("--url", help="of Label Studio, as this machine reaches it; default: LABEL_STUDIO_URL")
    parser.add_argument("--api-key", metavar="TOKEN", help="default: LABEL_STUDIO_API_KEY (better: not in the history)")
    parser.add_argument("--project", type=int, metavar="N", help="check its labeling config, model and first picture")
    parser.add_argument("--backend-url", metavar="URL", help="of this service, as Label Studio reaches it")
    parser.add_argument("--timeout", type=float, default=20.0, metavar="S", help="for each request; default: 20")
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print each check as it ends; 1 if any failed."""
    checkup = _checkup(Settings.from_env(_environment(arguments, os.environ)), arguments)
    checks = []
    for check in checkup.run():
        checks.append(check)
        if not arguments.json:
            print(_lines(check), flush=True)
    verdict = worst(checks)
    if arguments.json:
        shown = [{**asdict(check), "verdict": check.verdict.value} for check in checks]
        print(json.dumps({"verdict": verdict.value, "checks": shown}, indent=2))
    else:
        print(_summary(checks))
    return EXIT_FAILED if verdict is Verdict.FAIL else 0


def _environment(arguments: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, str]:
    """What the options say goes before what the environment says, and is checked by the same rules."""
    given = {"LABEL_STUDIO_URL": arguments.url, "LABEL_STUDIO_API_KEY": arguments.api_key}
    return {**environ, **{name: value for name, value in given.items() if value is not None}}


def _checkup(settings: Settings, arguments: argparse.Namespace) -> Checkup:
    allowed = AllowedHosts.of(settings.allowed_hosts)
    tokens = TokenExchange(allowed)
    url, key = settings.label_studio_url, settings.label_studio_api_key
    host = None if url is None else LabelStudioHost(url, key, is_configured=True)
    limits = FetchLimits(settings.max_picture_mb * 1_000_000, settings.fetch_timeout_s)
    backend_url: str | None = arguments.backend_url
    return Checkup(
        api=None if host is None else StudioApi(host, tokens, arguments.timeout),
        source=ImageSource(
            own_host=host,
            local_files_root=settings.local_files_root,
            downloader=Downloader(limits, allowed, tokens),
            cache=PictureCache(capacity_bytes=0),
            public_url=settings.label_studio_public_url,
        ),
        backend_url=None if backend_url is None else backend_url.rstrip("/"),
        project=arguments.project,
        max_pixels=settings.max_megapixels * 1_000_000,
        timeout_s=arguments.timeout,
    )


def _lines(check: Check) -> str:
    took = f"{check.ms:.0f} ms" if check.ms is not None else ""
    line = f"{_MARKS[check.verdict]:<5}{check.name:<25}{took:>8}  {check.found}"
    return line if check.cure is None else f"{line}\n{'':<40}-> {check.cure}"


def _summary(checks: list[Check]) -> str:
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    if counts[Verdict.FAIL]:
        return f"{counts[Verdict.FAIL]} of {len(checks)} checks failed: begin with the first"
    return f"nothing failed ({counts[Verdict.WARN]} to look at, {counts[Verdict.SKIP]} not checked)"
