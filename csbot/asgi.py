"""The ASGI application: pages and the API through Django, sockets through Channels, static files before both."""

import os
from typing import cast

from asgiref.typing import ASGI3Application
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
# Before anything that imports models.
django_application = cast("ASGI3Application", get_asgi_application())

from conversations.routing import open_socket  # noqa: E402
from csbot.static_files import StaticFiles  # noqa: E402

application = ProtocolTypeRouter({"http": StaticFiles(django_application), "websocket": open_socket})
