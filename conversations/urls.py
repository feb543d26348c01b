"""The app's addresses."""

from typing import Final

from django.urls import URLPattern, path

from conversations.views import assets, health, metrics, sessions, widget

urlpatterns: Final[list[URLPattern]] = [
    path("", widget.demo, name="demo"),
    path("widget.js", widget.loader, name="widget-loader"),
    path("widget/panel", widget.panel, name="widget-panel"),
    path("widget/look", widget.look, name="widget-look"),
    path("widget/assets/<slug:version>/<path:path>", assets.asset, name="widget-asset"),
    path("api/widget/sessions", sessions.sessions, name="widget-sessions"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
