"""How the admin looks (django-unfold): names, colours, sidebar."""

from typing import Final

UNFOLD: Final[dict[str, object]] = {"SITE_TITLE": "csbot", "SITE_HEADER": "csbot", "SHOW_LANGUAGES": True}
