"""Where a webhook may go. Nothing here may connect: whoever tries fails the test."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from threading import Event
from typing import Any, NoReturn

import pytest

from project.errors import InvalidField, PermanentError
from project.settings.groups import forget_settings
from tasks.webhooks import call_arguments, calls, guard
from tasks.webhooks.deadline import Deadline

INTERNAL = {
    "0.0.0.0",  # noqa: S104 - the address is the fact
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
}

PUBLIC = {"1.1.1.1", "8.8.8.8", "192.0.1.1", "2606:4700::1111", "64:ff9b::808:808"}

MISSPELT = {
    "nothing": "",
    "no scheme": "example.com/hook",
    "no host": "http:///hook",
    "another scheme": "ftp://example.com/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "a script": "javascript:alert(1)",
    "data": "data:text/plain,hi",
    "unix": "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "one slash": "http:/127.0.0.1/",
    "three slashes": "http:////127.0.0.1/",
    "backslashes": "http:\\\\127.0.0.1\\",
    "a user": "http://user@127.0.0.1/",
    "a user and a password": "http://user:password@example.com/",
    "a user that looks like the host": "http://example.com@127.0.0.1/",
    "a backslash before the at": "http://example.com\\@127.0.0.1/",
    "a fragment before the at": "http://example.com#@127.0.0.1/",
    "a fragment": "http://example.com/#part",
    "decimal": "http://2130706433/",
    "hexadecimal": "http://0x7f000001/",
    "octal": "http://017700000001/",
    "octal parts": "http://0177.0.0.1/",
    "hexadecimal parts": "http://0x7f.0x0.0x0.0x1/",
    "mixed parts": "http://127.0.0x1/",
    "two parts": "http://127.1/",
    "three parts": "http://127.0.1/",
    "one part": "http://0/",
    "zeros in front": "http://127.000.000.001/",
    "five parts": "http://127.0.0.1.1/",
    "a part too large": "http://127.0.0.256/",
    "a dot at the end": "http://127.0.0.1./",
    "a name and a dot": "http://localhost./",
    "two dots": "http://example..com/",
    "a dot in front": "http://.example.com/",
    "a hyphen in front": "http://-example.com/",
    "a label too long": f"http://{'a' * 64}.com/",
    "a name too long": f"http://{'a.' * 127}com/",
    "full width digits": "http://\uff11\uff12\uff17.0.0.1/",
    "full width dots": "http://127。0。0。1/",
    "circled digits": "http://①②⑦.0.0.1/",
    "a letter like another": "http://ex\u0430mple.com/",
    "the long s": "http\u017f://example.com/",
    "the Kelvin sign": "http://\u212aubernetes/",
    "a percent sign in the host": "http://127.0.0.1%2f@example.com/",
    "an encoded host": "http://%31%32%37.0.0.1/",
    "a zone": "http://[fe80::1%25eth0]/",
    "a zone without encoding": "http://[fe80::1%eth0]/",
    "IPv6 written long": "http://[0:0:0:0:0:0:0:1]/",
    "IPv6 with zeros": "http://[::0001]/",
    "IPv6 without brackets": "http://::1/",
    "a public IPv6 written long": "http://[2606:4700:0:0::1111]/",
    "IPv4 in brackets": "http://[127.0.0.1]/",
    "a public IPv4 in brackets": "http://[1.1.1.1]/",
    "a future address": "http://[v1.fe80::a+en1]/",
    "an open bracket": "http://[::1/",
    "text after the bracket": "http://[::1]example.com/",
    "a line end": "http://example.com/\r\nHost: 127.0.0.1",
    "a line end at the end": "http://example.com/\n",
    "a tab in the host": "http://127.0.0.\t1/",
    "a space": "http://example.com/a b",
    "a space in front": " http://127.0.0.1/",
    "a null": "http://example.com\x00.127.0.0.1/",
    "two ports": "http://example.com:80:80/",
    "an empty port": "http://example.com:/",
    "port zero": "http://example.com:0/",
    "a port with a zero in front": "http://example.com:080/",
    "a port too large": "http://example.com:65536/",
    "a port that is a word": "http://example.com:http/",
    "SSH": "http://example.com:22/",
    "mail": "http://example.com:25/",
    "DNS": "http://example.com:53/",
    "a URL too long": f"http://example.com/{'a' * 2_000}",
}

HOSTILE = MISSPELT | {
    address: f"http://[{address}]/" if ":" in address else f"https://{address}/"
    for address in sorted(INTERNAL)
}


@pytest.fixture(autouse=True)
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that somebody tried to reach."""
    tried: list[Any] = []

    def connect(_: socket.socket, address: Any) -> NoReturn:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def set_to(text: str) -> None:
        monkeypatch.setenv("CONTINUO_WEBHOOK_ALLOW", text)
        forget_settings()

    yield set_to
    monkeypatch.undo()
    forget_settings()


def names(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str]:
    """Let every name have these addresses; the names that were looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_url_is_refused_under_its_field_without_a_connection(
    url: str, connects: list[Any]
) -> None:
    with pytest.raises(InvalidField) as refused:
        call_arguments.check_call(url=url)

    assert refused.value.field == "url"
    with pytest.raises(InvalidField):
        calls.make_call(call_arguments.Call(url), "job")
    assert connects == []


def test_the_list_of_hostile_urls_is_long_enough() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("address", sorted(INTERNAL))
def test_a_host_name_with_an_internal_address_is_refused_without_a_connection(
    address: str, connects: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "1.1.1.1", address)

    with pytest.raises(PermanentError, match="not on the public internet"):
        calls.make_call(call_arguments.check_call(url="https://rebind.example.com/"), "job")

    assert connects == []


@pytest.mark.parametrize("address", sorted(PUBLIC))
def test_a_public_address_can_be_called(address: str) -> None:
    assert guard.is_public(ip_address(address))
    assert guard.parse_url(f"http://[{address}]/" if ":" in address else f"http://{address}/")


def test_a_host_name_is_resolved_once_and_the_checked_address_is_called(
    connects: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, "1.1.1.1", "8.8.8.8")
    target = guard.parse_url("http://api.example.com/")

    assert guard.look_up_addresses(target, Deadline(1)) == ["1.1.1.1", "8.8.8.8"]
    assert asked == ["api.example.com"]


def test_a_dns_lookup_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        answered.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(TimeoutError):
        guard.look_up_addresses(guard.parse_url("http://slow.example.com/"), Deadline(0.05))
    answered.set()


@pytest.mark.parametrize(
    ("url", "shown", "path"),
    [
        ("http://example.com", "http://example.com", "/"),
        ("HTTPS://Example.COM:443/A?b=%20", "https://example.com", "/A?b=%20"),
        ("http://example.com:8080?x=1", "http://example.com:8080", "/?x=1"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443", "/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example", "/"),
        ("http://service_1.internal:3000/", "http://service_1.internal:3000", "/"),
    ],
)
def test_a_url_is_parsed_and_shown_without_its_path(url: str, shown: str, path: str) -> None:
    target = guard.parse_url(url)
    assert (str(target), target.path) == (shown, path)


def test_a_refusal_never_repeats_the_url() -> None:
    with pytest.raises(InvalidField) as refused:
        guard.parse_url("http://user:hunter2@example.com/?token=hunter2")
    assert "hunter2" not in str(refused.value)


def test_only_addresses_that_the_settings_allow_can_be_called(allow: Any) -> None:
    allow("127.0.0.0/8, fd00::/8, 10.1.2.3, db.internal")
    for host in ("127.0.0.1", "[fd00::1]", "10.1.2.3"):
        assert guard.parse_url(f"http://{host}/")
    for host in ("10.1.2.4", "[::1]", "[::ffff:127.0.0.1]", "127.1"):
        with pytest.raises(InvalidField):
            guard.parse_url(f"http://{host}/")


def test_an_allowed_host_name_may_be_internal(allow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    allow("DB.internal")
    names(monkeypatch, "10.0.0.1")
    assert guard.look_up_addresses(guard.parse_url("http://db.internal/"), Deadline(1)) == [
        "10.0.0.1"
    ]

    with pytest.raises(PermanentError):
        guard.look_up_addresses(guard.parse_url("http://other.db.internal/"), Deadline(1))
