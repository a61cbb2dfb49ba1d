from __future__ import annotations

import pytest

from django_largefiles.protocols.forwarded import client_address


@pytest.mark.parametrize(
    ("remote", "forwarded_for", "proxies", "expected"),
    [
        pytest.param("192.0.2.1", "", 0, "192.0.2.1", id="direct"),
        pytest.param("192.0.2.1", "198.51.100.7", 0, "192.0.2.1", id="a field that nobody is trusted with"),
        pytest.param("10.0.0.1", "198.51.100.7", 1, "198.51.100.7", id="one proxy"),
        pytest.param("10.0.0.1", "203.0.113.9, 198.51.100.7", 1, "198.51.100.7", id="one proxy and a forged address"),
        pytest.param("10.0.0.1", "203.0.113.9,198.51.100.7 , 10.0.0.2", 2, "198.51.100.7", id="two proxies"),
        pytest.param("10.0.0.1", "198.51.100.7", 3, "198.51.100.7", id="fewer than there should be"),
        pytest.param("10.0.0.1", "", 1, "10.0.0.1", id="one proxy that says nothing"),
        pytest.param("", "198.51.100.7", 1, "198.51.100.7", id="a proxy on a Unix socket"),
        pytest.param("", "", 0, "", id="a Unix socket"),
        pytest.param("10.0.0.1", "198.51.100.7:4711", 1, "198.51.100.7", id="a port"),
        pytest.param("2001:db8:1:2:3::4", "", 0, "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("10.0.0.1", "[2001:db8:1:2:3::4]:4711", 1, "2001:db8:1:2::/64", id="IPv6 with a port"),
        pytest.param("::ffff:192.0.2.1", "", 0, "192.0.2.1", id="IPv4 as IPv6"),
        pytest.param("10.0.0.1", "unknown", 1, "unknown", id="no address"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    remote: str, forwarded_for: str, proxies: int, expected: str
) -> None:
    assert client_address(remote, forwarded_for, proxies) == expected
