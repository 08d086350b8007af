"""The server that the flows' tests start reports to nobody, as none does that Ratoon starts."""

from __future__ import annotations

import httpx


def test_the_tests_own_server_has_its_analytics_off(prefect_server: str) -> None:
    settings = httpx.get(f"{prefect_server}/admin/settings", timeout=60).json()
    assert settings["server"]["analytics_enabled"] is False
