"""What is printed when the service is ready; depends only on the settings."""

from __future__ import annotations

from service.address import url
from service.settings import Settings


def announcement(settings: Settings) -> str:
    """The address, the location of the admin key, and an example request."""
    address = url(settings.host, settings.port)
    admin = "in ADMIN_API_KEYS" if settings.admin_api_keys else f"in {settings.data.admin_key}"
    key = "" if not settings.api_keys else " -H 'Authorization: Bearer <one of API_KEYS>'"
    return (
        f"\n  Listening on {address}   (web interface; API documentation: {address}/docs)\n"
        f"  Admin key:   {admin}\n"
        f'  Try:         curl {address}/generate{key} --json \'{{"prompt": "ROMEO:", "length": 200}}\'\n'
    )
