"""What the user has chosen, kept in QGIS's settings."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsSettings

GROUP = "segment_anything"
TOKEN_VARIABLE = "SEGMENT_ANYTHING_TOKEN"  # noqa: S105  # nosec B105 - the name of a variable
_AUTH_NAME = "Segment Anything server"
_PLAIN_TOKEN = f"{GROUP}/server_token"


class Backend:
    """Where the model computes."""

    AUTO = "auto"
    """The server if one is named and answers, else this machine."""

    LOCAL = "local"
    SERVER = "server"

    ALL = (AUTO, LOCAL, SERVER)


@dataclass(frozen=True)
class PluginSettings:
    """All settings; a text is empty where nothing was chosen."""

    backend: str = Backend.AUTO
    """One of `Backend`."""

    python: str = ""
    """Path of the Python that has the backend."""

    source_folder: str = ""
    """Folder that holds ``sam_backend``, where it isn't installed in that Python."""

    model: str = ""
    """Name or file of the weights; empty: the backend's default."""

    device: str = ""
    """``cpu``, ``cuda`` ...; empty: the best there is."""

    server_url: str = ""
    """Such as ``http://gpu.example.org:9090``."""

    auth_config: str = ""
    """Id of the entry of QGIS's authentication database whose password is the server's token."""

    shared_folders: str = ""
    """Folders that the server sees too, with ``;`` between: ``/data`` or ``/mnt/data=/data`` (here=there)."""


def read_settings() -> PluginSettings:
    """What is chosen now."""
    stored = QgsSettings()
    return PluginSettings(
        **{
            field.name: str(stored.value(f"{GROUP}/{field.name}", field.default) or field.default)
            for field in fields(PluginSettings)
        }
    )


def write_settings(settings: PluginSettings) -> None:
    """Keep a choice."""
    stored = QgsSettings()
    for field in fields(PluginSettings):
        stored.setValue(f"{GROUP}/{field.name}", getattr(settings, field.name))


def read_proxies() -> dict[str, str] | None:
    """The HTTP proxy of QGIS's options by scheme; None where the system's are to be used, or none is set."""
    stored = QgsSettings()
    host = str(stored.value("proxy/proxyHost", "") or "")
    is_used = stored.value("proxy/proxyEnabled", False, type=bool)
    if not is_used or not host or stored.value("proxy/proxyType", "") != "HttpProxy":
        return None
    port = str(stored.value("proxy/proxyPort", "") or "")
    proxy = f"http://{host}:{port}" if port else f"http://{host}"
    return {"http": proxy, "https": proxy}


def read_token(settings: PluginSettings) -> str:
    """The server's token, or an empty text. Call it in the main thread: QGIS may ask for its master password.

    The environment's ``SEGMENT_ANYTHING_TOKEN`` comes first, so that qgis_process needs no authentication database.
    """
    if os.environ.get(TOKEN_VARIABLE):
        return os.environ[TOKEN_VARIABLE]
    if settings.auth_config:
        config = QgsAuthMethodConfig()
        if QgsApplication.authManager().loadAuthenticationConfig(settings.auth_config, config, True):
            return str(config.config("password"))
    return str(QgsSettings().value(_PLAIN_TOKEN, "") or "")


def write_token(settings: PluginSettings, token: str) -> tuple[PluginSettings, bool]:
    """Keep the server's token, encrypted where QGIS can. Call it in the main thread.

    Args:
        settings: those it belongs to.
        token: an empty text forgets it.

    Returns:
        The settings with the new ``auth_config`` (not written yet), and whether the token is encrypted: where it isn't,
        it lies readable in the profile's ini file, and the user should be told so.
    """
    auth = QgsApplication.authManager()
    QgsSettings().remove(_PLAIN_TOKEN)
    if not token:
        if settings.auth_config:
            auth.removeAuthenticationConfig(settings.auth_config)
        return replace(settings, auth_config=""), True
    config = QgsAuthMethodConfig("Basic")
    config.setName(_AUTH_NAME)
    config.setConfig("username", "token")
    config.setConfig("password", token)
    if not auth.isDisabled() and auth.setMasterPassword(True) and _store(config, settings.auth_config):
        return replace(settings, auth_config=config.id()), True
    QgsSettings().setValue(_PLAIN_TOKEN, token)
    return replace(settings, auth_config=""), False


def _store(config: QgsAuthMethodConfig, known_id: str) -> bool:
    auth = QgsApplication.authManager()
    if known_id and known_id in auth.configIds():
        config.setId(known_id)
        return bool(auth.updateAuthenticationConfig(config))
    answer = auth.storeAuthenticationConfig(config)
    return bool(answer[0] if isinstance(answer, tuple) else answer)
