"""What agents do to a conversation: POST doors of its page, and the GET door that tells how it stands.

Each one checks the right, calls one action, and answers with the conversation's state afterwards, also where it
refuses: the page then shows at once what a colleague did meanwhile.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, TypeAlias
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from conversations.actions import agents, ownership
from conversations.actions.customers import ConflictError
from conversations.actions.people import display_name
from conversations.actions.rights import may_answer, may_read
from conversations.desk.transcript import Transcript, earlier_part, later_part
from conversations.models import Conversation, Owner, Reason
from conversations.text.checks import Problem, check_message

View: TypeAlias = Callable[[HttpRequest, int], JsonResponse]

MAX_CHARS: Final = 4000
DETAIL_CHARS: Final = 500


class RefusedError(Exception):
    """A request that was understood and is not carried out; `message` is for the agent to read."""

    def __init__(self, code: str, message: str, *, status: int = 409) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


def signed_in(request: HttpRequest) -> AbstractBaseUser:
    """Return the staff member. Raises PermissionDenied for those who may not read conversations."""
    if not isinstance(request.user, AbstractBaseUser) or not may_read(request.user):
        raise PermissionDenied
    return request.user


def answering(request: HttpRequest) -> AbstractBaseUser:
    """Return the staff member. Raises PermissionDenied for those who may not answer customers."""
    user = signed_in(request)
    if not may_answer(user):
        raise PermissionDenied
    return user


def read_conversation(conversation_id: int) -> Conversation:
    """Return the conversation with all that its page shows of it. Raises Http404."""
    related = Conversation.objects.select_related("site", "customer", "agent")
    conversation = related.filter(pk=conversation_id).first()
    if conversation is None:
        raise Http404
    return conversation


def door(view: View) -> View:
    """Make a POST door of `view`: refusals become a JSON error that an agent can read."""

    @require_POST
    @wraps(view)
    def wrapped(request: HttpRequest, conversation_id: int) -> JsonResponse:
        try:
            return view(request, conversation_id)
        except ConflictError:
            # What an honest page never sends: an id that stands for other words already.
            error = _out_of_date()
        except RefusedError as refused:
            error = refused
        return JsonResponse({"error": {"code": error.code, "message": error.message}}, status=error.status)

    return wrapped


@require_GET
def live_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Answer with what came after message `after`, or with the page of messages before `before`."""
    user = signed_in(request)
    conversation = read_conversation(conversation_id)
    before, after = _number(request.GET.get("before")), _number(request.GET.get("after"))
    if before is not None:
        return JsonResponse(earlier_part(conversation, before=before, user=user))
    return JsonResponse(later_part(conversation, after=after or 0, user=user))


@door
def take_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Make the agent the one who answers, unless a colleague was faster."""
    agent = answering(request)
    read_conversation(conversation_id)
    if not ownership.take(conversation_id, agent=agent):
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


@door
def take_over_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Make the agent answer in place of the colleague whom the page shows, unless that isn't so any more."""
    agent = answering(request)
    read_conversation(conversation_id)
    holder_id = _number(request.POST.get("holder"))
    if holder_id is None:
        raise _out_of_date()
    if not ownership.take_over(conversation_id, agent=agent, holder_id=holder_id):
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


@door
def reply_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Write to the customer; a conversation that nobody holds is taken with it."""
    agent = answering(request)
    read_conversation(conversation_id)
    text, client_id = _checked_text(request), _submit_id(request)
    if agents.take_and_say(conversation_id, agent=agent, text=text, client_id=client_id) is None:
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


@door
def note_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Leave a note for colleagues."""
    author = answering(request)
    read_conversation(conversation_id)
    agents.add_note(conversation_id, author=author, text=_checked_text(request), client_id=_submit_id(request))
    return _now(request, conversation_id)


@door
def hand_back_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Give the conversation back to the bot."""
    agent = answering(request)
    read_conversation(conversation_id)
    if not ownership.hand_back(conversation_id, agent=agent):
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


@door
def resolve_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Close the matter."""
    agent = answering(request)
    read_conversation(conversation_id)
    if not ownership.resolve(conversation_id, agent=agent):
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


@door
def escalate_view(request: HttpRequest, conversation_id: int) -> JsonResponse:
    """Put the bot's conversation into the queue, for whoever takes it."""
    answering(request)
    read_conversation(conversation_id)
    detail = request.POST.get("detail", "")[:DETAIL_CHARS]
    if ownership.escalate(conversation_id, reason=Reason.AGENT, detail=detail) is None:
        raise refusal(read_conversation(conversation_id))
    return _now(request, conversation_id)


def refusal(conversation: Conversation) -> RefusedError:
    """Return why the agent can't do that now, as the conversation stands."""
    if conversation.owner == Owner.AGENT and conversation.agent is not None:
        name = display_name(conversation.agent)
        return RefusedError("taken", _("%(agent)s has this conversation.") % {"agent": name})
    messages = {
        Owner.WAITING: _("This conversation is already in the queue."),
        Owner.RESOLVED: _("This conversation was resolved."),
    }
    return RefusedError("not_yours", messages.get(Owner(conversation.owner), _("The bot has this conversation again.")))


def _submit_id(request: HttpRequest) -> UUID:
    """Return the id that makes a submit count once. Raises RefusedError."""
    try:
        return UUID(request.POST.get("submit_id", ""))
    except ValueError:
        raise _out_of_date() from None


def _out_of_date() -> RefusedError:
    return RefusedError("bad_request", _("The page is out of date. Reload it."), status=400)


def _checked_text(request: HttpRequest) -> str:
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()
    problem = check_message(text, max_chars=MAX_CHARS)
    if problem is None:
        return text
    messages = {
        Problem.EMPTY: _("Write something first."),
        Problem.TOO_LONG: _("At most %(count)d characters.") % {"count": MAX_CHARS},
        Problem.INVALID: _("This text contains characters that cannot be stored."),
    }
    raise RefusedError(problem.value, messages[problem], status=400)


def _now(request: HttpRequest, conversation_id: int) -> JsonResponse:
    after = _number(request.POST.get("after"))
    conversation = read_conversation(conversation_id)
    known = conversation.head_seq if after is None else after
    state: Transcript = later_part(conversation, after=known, user=signed_in(request))
    return JsonResponse(state)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
