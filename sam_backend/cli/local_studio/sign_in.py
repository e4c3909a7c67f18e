"""Who may enter the Label Studio of this folder: made up once, kept for its owner's eyes."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sam_backend.cli.local_studio import LocalStudioError

_EMAIL = "annotator@example.com"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The one account."""

    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    """A legacy token of Label Studio: 40 hexadecimal digits. By it the backend gets pictures."""

    @classmethod
    def made_up(cls) -> SignIn:
        """Another one each time."""
        return cls(email=_EMAIL, password=secrets.token_urlsafe(12), token=secrets.token_hex(20))


def keep_sign_in(path: Path, *, is_new: bool) -> SignIn:
    """Read who signs in; make it up where Label Studio has no accounts yet.

    Args:
        path: of the file.
        is_new: whether Label Studio will make the account at its next start. Later it takes no notice of a change.

    Raises:
        LocalStudioError: the file is gone or damaged while the account exists.
    """
    if is_new and not path.exists():
        _write_privately(path, json.dumps(asdict(SignIn.made_up()), indent=2))
    try:
        content = json.loads(path.read_text())
        return SignIn(email=content["email"], password=content["password"], token=content["token"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalStudioError(
            f"{path} should say who signs in to the Label Studio in {path.parent} and can't be read "
            f"({type(error).__name__}): bring it back, or remove {path.parent} to begin anew"
        ) from None


def _write_privately(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
