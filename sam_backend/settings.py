"""What the service is told by its environment: read once, checked at once, frozen."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_data_path

from sam_backend.errors import SettingsError

_DTYPES = ("float32", "bfloat16")
_LOG_FORMATS = ("text", "json")
_HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the service; each field names the variable it comes from. An empty variable counts as unset."""

    model: str = "embedded"
    """SAM_MODEL: "embedded", the name of a variant, or the path of a weights file."""

    device: str = "auto"
    """SAM_DEVICE: "auto", "cpu", "cuda", "cuda:N" or "mps"."""

    dtype: str = "float32"
    """SAM_DTYPE: "float32" or "bfloat16"."""

    label_studio_url: str | None = None
    """LABEL_STUDIO_URL: where this service reaches Label Studio, as http(s)://host[:port][/path]."""

    label_studio_api_key: str | None = field(default=None, repr=False)
    """LABEL_STUDIO_API_KEY: a personal access token or a legacy token. It is sent to LABEL_STUDIO_URL only."""

    label_studio_public_url: str | None = None
    """LABEL_STUDIO_PUBLIC_URL: what browsers call that server, if it is reached by another name here."""

    local_files_root: Path | None = None
    """LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT: Label Studio's folder of local files, if it is mounted here too."""

    allowed_hosts: tuple[str, ...] = ()
    """SAM_ALLOWED_HOSTS: hosts, addresses and networks, with commas between them, that pictures may come from although
    their addresses aren't public."""

    picture_cache_mb: int = 200
    """SAM_PICTURE_CACHE_MB: memory for files of pictures that were just downloaded; 0 keeps none."""

    cache_mb: int = 512
    """SAM_CACHE_MB: memory for embeddings of pictures seen before; 0 keeps none."""

    cache_url: str = field(default="memory", repr=False)
    """SAM_CACHE_URL: where embeddings and prompt sessions live beyond one process: "memory" (nowhere), file:///FOLDER
    (workers of one machine, and restarts) or redis://[:PASSWORD@]HOST[:PORT][/DATABASE] (several machines). Signs such
    as / in the password are percent-encoded (%2F)."""

    cache_disk_mb: int = 4000
    """SAM_CACHE_DISK_MB: what the folder of SAM_CACHE_URL may hold."""

    max_picture_mb: int = 100
    """SAM_MAX_PICTURE_MB: the largest picture file that is fetched."""

    max_megapixels: int = 80
    """SAM_MAX_MEGAPIXELS: the largest picture that is decoded, and the largest mask that is answered."""

    fetch_timeout_s: float = 30.0
    """SAM_FETCH_TIMEOUT_S: how long fetching one picture may take; Label Studio waits 100 s for the whole answer."""

    api_token: str | None = field(default=None, repr=False)
    """SAM_API_TOKEN: what every request has to show, but for GET /health; None lets everybody in."""

    max_prompts: int = 100
    """SAM_MAX_PROMPTS: how many clicks and boxes one request may bring."""

    encodes: int = 1
    """SAM_ENCODES: how many pictures that people wait for a process encodes at once."""

    encode_queue: int = 7
    """SAM_ENCODE_QUEUE: how many more may wait for that; whoever comes then is told so at once."""

    predict_wait_s: float = 90.0
    """SAM_PREDICT_WAIT_S: how long a click waits for the model and for its picture to be encoded, before it is answered
    that it takes longer; Label Studio itself gives up after 100 s."""

    log_format: str = "text"
    """SAM_LOG_FORMAT: "text" for people, or "json": an object a line, for programs."""

    data_folder: Path = field(default_factory=lambda: user_data_path("sam_backend"))
    """SAM_DATA_FOLDER: where what the service learns lies: the ledger of answers, and trained versions."""

    ledger_keep_days: int = 90
    """SAM_LEDGER_KEEP_DAYS: how long the ledger keeps the masks it answered, and answers that nobody submitted."""

    train_minutes: int = 10
    """SAM_TRAIN_MINUTES: how long a training on a project's annotations may move the weights."""

    train_steps: int = 400
    """SAM_TRAIN_STEPS: how often it moves them at most."""

    raster_folders: tuple[Path, ...] = ()
    """SAM_RASTER_FOLDERS: folders, with colons between them, whose rasters and layers requests may name by path."""

    raster_spool: Path | None = None
    """SAM_RASTER_SPOOL: where runs over rasters and uploads lie; None: in the folder of SAM_CACHE_URL, or in a private
    temporary one."""

    raster_keep_hours: int = 24
    """SAM_RASTER_KEEP_HOURS: how long a finished run, or an upload that nobody uses, is kept."""

    raster_upload_mb: int = 2000
    """SAM_RASTER_UPLOAD_MB: the largest file that may be uploaded."""

    workers: int = 1
    """SAM_WORKERS: processes, each with a model of its own; more than one need a SAM_CACHE_URL."""

    threads: int = 16
    """SAM_THREADS: requests that a process answers at once; at most half of them wait for pictures to be encoded."""

    port: int = 9090
    """PORT: where gunicorn listens."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables.

        Raises:
            SettingsError: values make no sense; the message has a line for each, with its variable, its value and what
                is wanted.
        """
        env = {name: value.strip() for name, value in environ.items() if value.strip()}
        wrong: dict[str, str] = {}
        while True:  # without the wrong ones, until all of them are known
            try:
                settings = cls._from_set(env)
            except SettingsError as error:
                variable = str(error).split()[0].partition("=")[0]  # every message begins with it
                if env.pop(variable, None) is None:
                    raise
                if not any(other in str(error) for other in wrong):  # it is wrong because another one is
                    wrong[variable] = str(error)
            else:
                break
        if wrong:
            raise SettingsError("\n".join(wrong.values()))
        return settings

    @classmethod
    def _from_set(cls, env: Mapping[str, str]) -> Settings:
        """From variables that are set, up to the first that is wrong."""
        usual = cls()
        url = _url(env, "LABEL_STUDIO_URL")
        return cls(
            model=env.get("SAM_MODEL", usual.model),
            device=_device(env, "SAM_DEVICE", usual.device),
            dtype=_dtype(env, "SAM_DTYPE", usual.dtype),
            label_studio_url=url,
            label_studio_api_key=_api_key(env, "LABEL_STUDIO_API_KEY", url),
            label_studio_public_url=_url(env, "LABEL_STUDIO_PUBLIC_URL"),
            allowed_hosts=_hosts(env, "SAM_ALLOWED_HOSTS"),
            picture_cache_mb=_whole(env, "SAM_PICTURE_CACHE_MB", usual.picture_cache_mb, least=0),
            local_files_root=_folder(env, "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"),
            cache_mb=_whole(env, "SAM_CACHE_MB", usual.cache_mb, least=0),
            cache_url=_cache_url(env, "SAM_CACHE_URL", usual.cache_url),
            cache_disk_mb=_whole(env, "SAM_CACHE_DISK_MB", usual.cache_disk_mb, least=1),
            max_picture_mb=_whole(env, "SAM_MAX_PICTURE_MB", usual.max_picture_mb, least=1),
            max_megapixels=_whole(env, "SAM_MAX_MEGAPIXELS", usual.max_megapixels, least=1),
            fetch_timeout_s=_seconds(env, "SAM_FETCH_TIMEOUT_S", usual.fetch_timeout_s),
            api_token=_api_token(env, "SAM_API_TOKEN"),
            max_prompts=_whole(env, "SAM_MAX_PROMPTS", usual.max_prompts, least=1),
            encodes=_whole(env, "SAM_ENCODES", usual.encodes, least=1, most=64),
            encode_queue=_whole(env, "SAM_ENCODE_QUEUE", usual.encode_queue, least=0),
            predict_wait_s=_seconds(env, "SAM_PREDICT_WAIT_S", usual.predict_wait_s),
            log_format=_log_format(env, "SAM_LOG_FORMAT", usual.log_format),
            data_folder=_data_folder(env, "SAM_DATA_FOLDER", usual.data_folder),
            ledger_keep_days=_whole(env, "SAM_LEDGER_KEEP_DAYS", usual.ledger_keep_days, least=1),
            train_minutes=_whole(env, "SAM_TRAIN_MINUTES", usual.train_minutes, least=1, most=1440),
            train_steps=_whole(env, "SAM_TRAIN_STEPS", usual.train_steps, least=1),
            raster_folders=_folders(env, "SAM_RASTER_FOLDERS"),
            raster_spool=_spool(env, "SAM_RASTER_SPOOL"),
            raster_keep_hours=_whole(env, "SAM_RASTER_KEEP_HOURS", usual.raster_keep_hours, least=1),
            raster_upload_mb=_whole(env, "SAM_RASTER_UPLOAD_MB", usual.raster_upload_mb, least=1),
            workers=_whole(env, "SAM_WORKERS", usual.workers, least=1, most=256),
            threads=_whole(env, "SAM_THREADS", usual.threads, least=1, most=1000),
            port=_whole(env, "PORT", usual.port, least=1, most=65535),
        )


def _device(env: Mapping[str, str], name: str, usual: str) -> str:
    value = env.get(name, usual)
    if not _DEVICE.fullmatch(value):
        raise SettingsError(f"{name}={value!r} is no device: give auto, cpu, cuda, cuda:N or mps")
    return value


def _dtype(env: Mapping[str, str], name: str, usual: str) -> str:
    value = env.get(name, usual)
    if value not in _DTYPES:
        raise SettingsError(f"{name}={value!r} is no number type for this model: give {' or '.join(_DTYPES)}")
    return value


def _log_format(env: Mapping[str, str], name: str, usual: str) -> str:
    value = env.get(name, usual)
    if value not in _LOG_FORMATS:
        raise SettingsError(f"{name}={value!r} is no format of the log: give {' or '.join(_LOG_FORMATS)}")
    return value


def _url(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name)
    if value is not None and not is_http_base_url(value):
        shown = value.rpartition("@")[2]  # before it stands a password
        raise SettingsError(f"{name}={shown!r} is no plain address: give http://HOST[:PORT] or https://HOST[:PORT]")
    return value and value.rstrip("/")


def is_http_base_url(url: str) -> bool:
    """Whether ``url`` is http(s) with a host, without user, query or fragment: a base to put a path behind."""
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username or re.search(r"\s", url))
    return port_is_valid and is_plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _cache_url(env: Mapping[str, str], name: str, usual: str) -> str:
    value = env.get(name, usual)
    scheme, separator, rest = value.partition("://")
    is_folder = scheme == "file" and rest.startswith("/") and rest.strip("/") != ""
    is_redis = scheme in ("redis", "rediss", "unix") and rest != ""
    if value != usual and not (separator and (is_folder or is_redis)):
        shown = scheme if separator else value  # behind it may stand a password
        raise SettingsError(
            f"{name}={shown!r} is no cache: give memory, file:///FOLDER or redis://[:PASSWORD@]HOST[:PORT][/DATABASE]"
        )
    return value


def _api_key(env: Mapping[str, str], name: str, url: str | None) -> str | None:
    value = env.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[!-~]+", value):  # the value itself must never reach a log
        raise SettingsError(f"{name} holds white space or a sign no token has: give one token of Label Studio")
    if url is None:
        raise SettingsError(
            f"{name} is set without LABEL_STUDIO_URL, so there is no host to send it to: set LABEL_STUDIO_URL too"
        )
    return value


def _api_token(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name)
    if value is not None and not re.fullmatch(r"[!-~]{16,}", value):  # the value itself must never reach a log
        raise SettingsError(
            f"{name} is short or holds white space or a sign beyond ASCII: give at least 16 signs, such as those of "
            '`python -c "import secrets; print(secrets.token_urlsafe())"`'
        )
    return value


def _hosts(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    entries = tuple(entry for entry in re.split(r"[,\s]+", env.get(name, "")) if entry)
    for entry in entries:
        if not _is_host_or_network(entry):
            raise SettingsError(
                f"{name}={env[name]!r} lists {entry!r}, which is no host: give names, addresses "
                "or networks like 10.0.0.0/8, without http:// and port"
            )
    return entries


def _is_host_or_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return bool(_HOST_NAME.fullmatch(text))
    return True


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    if name not in env:
        return None
    folder = Path(os.path.abspath(env[name]))  # not resolve(): it may be a link
    if not folder.is_dir():
        raise SettingsError(f"{name}={env[name]!r} is no folder here: mount Label Studio's files there, or unset it")
    if folder == Path(folder.anchor):
        raise SettingsError(f"{name}={env[name]!r} would open the whole disk: give the folder of the pictures only")
    return folder


def _folders(env: Mapping[str, str], name: str) -> tuple[Path, ...]:
    """Real paths, so that what a request names can be compared with them."""
    entries = [entry.strip() for entry in env.get(name, "").split(os.pathsep)]
    folders = tuple(Path(os.path.realpath(entry)) for entry in entries if entry)
    for folder in folders:
        if not folder.is_dir():
            raise SettingsError(f"{name}={env[name]!r} lists {str(folder)!r}, which is no folder here: mount it first")
        if folder == Path(folder.anchor):
            raise SettingsError(f"{name}={env[name]!r} would open the whole disk: give the folders of the rasters only")
    return folders


def _spool(env: Mapping[str, str], name: str) -> Path | None:
    if name not in env:
        return None
    folder = Path(os.path.realpath(env[name]))
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingsError(f"{name}={env[name]!r} is no folder that can be written here: make it first, or unset it")
    return folder


def _data_folder(env: Mapping[str, str], name: str, usual: Path) -> Path:
    """It is made when something is first written to it, and the service goes on where that fails."""
    folder = Path(os.path.abspath(env.get(name, usual)))
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{name}={env.get(name)!r} is a file: give a folder, which may be missing yet")
    return folder


def _whole(env: Mapping[str, str], name: str, usual: int, *, least: int, most: int = 1_000_000) -> int:
    value = env.get(name, str(usual))
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else -1
    if not least <= number <= most:
        raise SettingsError(f"{name}={value!r} makes no sense: give a whole number from {least} to {most}")
    return number


def _seconds(env: Mapping[str, str], name: str, usual: float) -> float:
    value = env.get(name, str(usual))
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 100:
        raise SettingsError(f"{name}={value!r} makes no sense: give seconds above 0, up to 100")
    return seconds
