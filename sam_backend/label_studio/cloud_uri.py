"""Pictures in cloud storage that a project is connected to: Label Studio signs an address, or hands the bytes on."""

from __future__ import annotations

import base64

_SCHEMES = ("s3://", "gs://", "azure-blob://")


def is_cloud_uri(uri: str) -> bool:
    """Whether only Label Studio can tell where the picture is: it holds the keys of the storage."""
    return uri.lower().startswith(_SCHEMES)


def presign_path(uri: str, task_id: int) -> str:
    """The route of Label Studio that redirects to the picture of a task."""
    return f"/tasks/{task_id}/presign/?fileuri={base64.urlsafe_b64encode(uri.encode()).decode()}"
