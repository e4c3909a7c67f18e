import pytest

from sam_backend.service.redaction import redacted

SECRET = "eyJhbGciOi.JIUzI1-NiIsI_nR5cCI"  # noqa: S105 - of this test


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("GET https://host/a.png?X-Amz-Signature=1&x=2 failed", "GET https://host/a.png?... failed"),
        ("'http://host?a'", "'http://host?...'"),
        ("http://host/data/local-files/?d=set/one.jpg", "http://host/data/local-files/?d=set/one.jpg"),
        ("redis://:pass@host/0 is down", "redis://***@host/0 is down"),
        ("/data/upload/x.png?token=abc&n=1", "/data/upload/x.png?token=***&n=1"),
        ("?api_key=abc", "?api_key=***"),
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
        (f"{{'Authorization': 'Token {SECRET}'}}", "{'Authorization': 'Token ***'}"),
        (f"with {SECRET} inside", "with *** inside"),
        ("data:image/png;base64,iVBORw0KGgo= is no picture", "data:... is no picture"),
        ('"data:image/svg+xml,<svg/>"', '"data:..."'),
        ("what? a question", "what? a question"),
        ("Basic authentication", "Basic authentication"),
    ],
)
def test_what_must_not_be_told_is_left_out_and_the_rest_stays(text: str, wanted: str) -> None:
    assert redacted(text, [SECRET]) == wanted
