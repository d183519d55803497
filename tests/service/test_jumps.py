"""What the kernel's tables say of the way into the network."""

import pytest

from micropkgd.service.timing.jumps import leads_out

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
NOWHERE = "0" * 32
SIX = f"{NOWHERE} 00 {NOWHERE} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
LO = f"{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200       lo\n"


@pytest.mark.parametrize(
    ("routes", "routes_6", "expected"),
    [
        pytest.param(HEAD + LOCAL + DEFAULT, LO, True, id="ipv4"),
        pytest.param(HEAD + LOCAL, LO, False, id="only-the-own-network"),
        pytest.param(HEAD, SIX + LO, True, id="ipv6"),
        pytest.param("", "", False, id="nothing-to-read"),
        pytest.param(HEAD + "eth0\n", "00\n", False, id="cut-off"),
    ],
)
def test_a_default_route(routes: str, routes_6: str, expected: bool) -> None:
    """Of either table; the refusal that IPv6 has on `lo` is none."""
    assert leads_out(routes, routes_6) is expected
