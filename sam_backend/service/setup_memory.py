"""What ``/setup`` told about each project's Label Studio."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.settings import is_http_base_url

_MAX_PROJECTS = 1000


class SetupMemory:
    """Project -> Label Studio server, for use from many threads; the oldest is forgotten first.

    It lives in this process only: the environment (LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY) is the dependable way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: OrderedDict[str, LabelStudioHost] = OrderedDict()

    def remember(self, project: object, hostname: object, access_token: object) -> None:
        """Keep what a ``/setup`` body says; what makes no sense is passed over."""
        if not isinstance(project, str) or not isinstance(hostname, str) or not is_http_base_url(hostname):
            return
        token = access_token if isinstance(access_token, str) and access_token else None
        with self._lock:
            self._hosts[project] = LabelStudioHost(url=hostname.rstrip("/"), api_key=token)
            self._hosts.move_to_end(project)
            while len(self._hosts) > _MAX_PROJECTS:
                self._hosts.popitem(last=False)

    def host_of(self, project: str | None) -> LabelStudioHost | None:
        """The server of a project; None if ``/setup`` never named one.

        Args:
            project: "<id>.<time of creation>", or only the id, which is all that webhooks tell.
        """
        with self._lock:
            if project is None or project in self._hosts:
                return None if project is None else self._hosts[project]
            return next((host for name, host in self._hosts.items() if name.split(".")[0] == project), None)
