"""What commands that work on a project of Label Studio have in common."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

from sam_backend.errors import SettingsError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.project.studio_line import StudioLine
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.settings import Settings

EXIT_SOME_FAILED = 1
EXIT_INTERRUPTED = 130

_VARIABLES = {"url": "LABEL_STUDIO_URL", "api_key": "LABEL_STUDIO_API_KEY", "cache_url": "SAM_CACHE_URL"}
SAME_ENVIRONMENT = (
    "Reads the same environment variables as the service (LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY, SAM_MODEL, "
    "SAM_CACHE_URL and so on)"
)


def add_studio(parser: argparse.ArgumentParser) -> None:
    """Add ``--project``, ``--url``, ``--api-key`` and ``--cache-url``."""
    parser.add_argument("--project", type=int, required=True, metavar="N", help="its number in Label Studio's address")
    parser.add_argument("--url", help="of Label Studio, as this machine reaches it; default: LABEL_STUDIO_URL")
    parser.add_argument("--api-key", metavar="TOKEN", help="default: LABEL_STUDIO_API_KEY (better: not in the history)")
    parser.add_argument(
        "--cache-url",
        metavar="URL",
        help="file:///FOLDER or redis://HOST, as the service has it; default: SAM_CACHE_URL",
    )


def read_settings(arguments: argparse.Namespace) -> Settings:
    """Take what the options say before what the environment says, checked by the same rules.

    Raises:
        SettingsError: a value makes no sense.
    """
    given = {variable: getattr(arguments, name) for name, variable in _VARIABLES.items()}
    return Settings.from_env({**os.environ, **{name: value for name, value in given.items() if value is not None}})


@dataclass(frozen=True, slots=True)
class StudioConnection:
    """A project, and where its pictures come from."""

    project: StudioProject
    source: ImageSource

    @classmethod
    def of(cls, settings: Settings, project: int) -> StudioConnection:
        """Prepare the connection; nothing is asked yet.

        Raises:
            SettingsError: no address or token of Label Studio is known.
        """
        url, key = settings.label_studio_url, settings.label_studio_api_key
        if url is None or key is None:
            raise SettingsError(
                "projects are read from Label Studio: set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or give --url and "
                "--api-key"
            )
        host = LabelStudioHost(url, key, is_configured=True)
        allowed = AllowedHosts.of(settings.allowed_hosts)
        tokens = TokenExchange(allowed)
        limits = FetchLimits(settings.max_picture_mb * 1_000_000, settings.fetch_timeout_s)
        source = ImageSource(
            own_host=host,
            local_files_root=settings.local_files_root,
            downloader=Downloader(limits, allowed, tokens),
            cache=PictureCache(capacity_bytes=0),
            public_url=settings.label_studio_public_url,
        )
        return cls(StudioProject(StudioLine(host, tokens), project), source)
