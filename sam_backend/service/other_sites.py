"""Pages of other sites are kept out: they can make a browser send things here, with the token that it was once told.

Label Studio, QGIS and other programs send none of the headers that this looks at; browsers can't be kept from it.
"""

from __future__ import annotations

from flask import Flask, abort, request

_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
_OWN = ("same-origin", "none")
"""Of our own pages, and what a person typed."""

_SENT_UNASKED = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
"""Types of a body that a browser sends to another site without asking it first; none of our own pages uses one."""


def refuse_other_sites(app: Flask) -> None:
    """Answer 403 to whatever a page of another site asks of ``app``, but for what only reads."""

    @app.before_request
    def check() -> None:
        if request.method not in _CHANGES_NOTHING and _is_of_other_site():
            abort(403, "a page of another site asked for this: open the service's own pages, or use a program")


def _is_of_other_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:  # browsers keep it to themselves over plain http, where Origin has to do
        return "Origin" in request.headers and request.mimetype in _SENT_UNASKED
    return site not in _OWN
