import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import sam_backend.service.try_page as try_page

STATIC = Path(try_page.__file__).parent / "static"
NAMES = sorted(path.name for path in STATIC.iterdir())


def test_page_is_found_by_a_relative_way_so_that_a_prefix_stays(client: FlaskClient) -> None:
    answer = client.get("/try")
    assert (answer.status_code, answer.headers["Location"]) == (302, "try/")
    page = client.get("/try/")
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert 'src="page.js"' in page.text


@pytest.mark.parametrize("name", NAMES)
def test_each_file_comes_as_it_is_and_only_once(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/try/{name}")
    assert answer.data == (STATIC / name).read_bytes()
    again = client.get(f"/try/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/try/", "/try/page.js", "/try/about", "/try/nothing", "/try/pictures/x/masks"])
def test_every_answer_lets_the_page_talk_to_its_own_server_only(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers if "masks" not in path else client.post(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/try/../app.py", "/try/%2e%2e/routes.py", "/try/static/page.js", "/try/routes.py"])
def test_nothing_but_the_page_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_no_file_names_an_address_outside_or_at_the_root(name: str) -> None:
    text = (STATIC / name).read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z0-9-]+\.[a-z]|url\(", text)
    assert not re.search(r"""(?:href|src|from|fetch\(|import)\s*=?\s*["'`]/""", text)
    assert not re.search(r"\s(?:style|on[a-z]+)=", text), "the policy forbids them"


def test_every_module_that_is_imported_is_there() -> None:
    imported = {name for path in STATIC.glob("*.js") for name in re.findall(r'from "\./([^"]+)"', path.read_text())}
    assert imported
    assert imported < set(NAMES)
