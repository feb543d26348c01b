"""What every admin page carries: whether answers are simulated, what staff must know, what the live badge needs."""

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse

from conversations.actions.rights import may_read
from conversations.desk.notices import notices_for
from conversations.desk.queue import waiting_badge
from conversations.desk.words import page_words
from conversations.gateway.endpoints import is_simulated

SOCKET_PATH = "/ws/desk/"


def page_context(request: HttpRequest) -> dict[str, object]:
    """Add to each admin page's context (UNFOLD["GLOBAL_CALLBACK"])."""
    context: dict[str, object] = {"is_simulated": is_simulated(), "notices": notices_for(request)}
    if isinstance(request.user, AbstractBaseUser) and may_read(request.user):
        context["desk"] = {
            "socket": SOCKET_PATH,
            "queue_url": reverse("admin:desk-queue"),
            "waiting_count": int(waiting_badge(request) or 0),
            "user": request.user.pk,
            "words": page_words(),
        }
    return context
