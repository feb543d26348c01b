"""The words that the playground's script shows, in the language of the page."""

from django.utils.translation import gettext as _

from conversations.desk.why_facts import GUARDS, REPAIRS
from conversations.gateway.models import Outcome


def playground_words() -> dict[str, str]:
    """Return all words of the playground; codes of the server have the prefixes `error_`, `guard_` and `repair_`."""
    return {
        **{f"error_{outcome.value}": str(outcome.label) for outcome in Outcome},
        **{f"guard_{guard}": str(words) for guard, words in GUARDS.items()},
        **{f"repair_{repair}": str(words) for repair, words in REPAIRS.items()},
        **answer_words(),
        **side_words(),
        **refusal_words(),
        **picker_words(),
    }


def answer_words() -> dict[str, str]:
    """Return the words around one answer."""
    return {
        "error_wrong_figures": _("The figures were wrong twice: a customer would get a person."),
        "intent": _("Intent"),
        "action_required": _("Action required"),
        "escalate": _("Handed to a person"),
        "no_reply": _("No reply came of it"),
        "first_words": _("first words %(n)s ms"),
        "whole": _("whole answer %(n)s s"),
        "tokens": _("%(prompt)s tokens in (%(cached)s cached), %(answer)s out"),
        "thought": _("%(n)s of them thinking"),
        "no_price": _("no price known"),
        "raw": _("The model's own words"),
        "waits": _("Waits for its turn…"),
        "writes": _("Writes…"),
        "checks": _("Works it out; shown once code has checked the figures…"),
        "same": _("The same answer"),
        "other_words": _("Same decision, other words"),
        "other_decision": _("Another decision"),
        "old_words": _("only in the first column"),
        "new_words": _("new here"),
        "as_example": _("Make an example of it"),
        "as_case": _("Make this a case"),
    }


def side_words() -> dict[str, str]:
    """Return the words around a column."""
    return {
        "column": _("Column %(n)s"),
        "playbook": _("Playbook"),
        "model": _("Model"),
        "draft": _("Draft"),
        "live": _("Live release"),
        "release": _("Release %(n)s"),
        "as_customers": _("As customers are answered"),
        "route_off": _("%(name)s (switched off)"),
        "remove_column": _("Remove this column"),
        "add_column": _("Add a column"),
        "sample": _("Answer %(n)s"),
        "summary": _("%(n)s answers"),
        "summary_intents": _("intents: %(list)s"),
        "summary_person": _("handed to a person: %(n)s of %(all)s"),
        "summary_failed": _("failed: %(n)s"),
        "summary_time": _("usual time %(n)s s"),
        "summary_cost": _("together %(cost)s"),
        "used": _("Examples it was made with"),
        "used_hint": _("%(n)s in all, those most like the question first."),
        "used_none": _("It was made without any example."),
        "like": _("%(n)s like the question"),
        "try_without": _("Try without it"),
        "without": _("Without: %(text)s"),
        "put_back": _("Put it back"),
        "switch_off": _("Switch it off in the draft"),
        "switched_off": _("Off in the draft. Customers notice once the draft is published."),
        "chosen": _("chosen for this question"),
        "prompt": _("The exact prompt"),
        "made_of": _("%(who)s · profile %(profile)s · about %(tokens)s tokens"),
        "left_out": _("%(n)s earlier messages did not fit"),
        "reasoning": _("worked out step by step, figures checked by code"),
        "edit_example": _("Open in the draft"),
    }


def refusal_words() -> dict[str, str]:
    """Return the words for questions that are not asked, and for what goes wrong on the way."""
    return {
        "refused_empty": _("Write a question first."),
        "refused_too_long": _("The question is too long: customers can't write so much either."),
        "refused_invalid": _("The question has a character that can't be stored."),
        "refused_no_run": _("That conversation can't be read any more."),
        "refused_no_release": _("That release isn't there any more."),
        "refused_no_model": _("No model can be asked: look at providers and routes."),
        "refused_budget": _("The budget is used up: no model is asked until it starts anew or is raised."),
        "refused_failed": _("That did not work. Try again."),
        "lost": _("The connection broke. Ask again."),
        "offline": _("Not connected. It is tried again and again."),
        "signed_out": _("You may not use the playground, or you were signed out. Reload the page."),
        "failed": _("That did not work. Check the connection and try again."),
        "forbidden": _("You may not do this, or you were signed out. Reload the page."),
        "asking": _("Answers are being written."),
        "asked": _("All answers are there."),
    }


def picker_words() -> dict[str, str]:
    """Return the words for picking a real question."""
    return {
        "none_found": _("No customer asked that."),
        "no_reply_yet": _("not answered"),
        "more": _("Show more"),
        "before": _("Said before this question"),
        "forget": _("Ask it without the conversation"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "sender_customer": _("Customer"),
        "sender_bot": _("Bot"),
        "sender_agent": _("Agent"),
    }
