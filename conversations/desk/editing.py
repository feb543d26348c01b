"""Forms of entries that two people may edit at once: the second save is refused, and both texts stay on the screen.

A page carries the number of the version it shows (`seen_version`) and what it showed in each field. When somebody saved
a newer version meanwhile, nothing is written; the page comes back with the person's own words where they changed
something, with the newest words everywhere else, and says at each field that both changed what the other one wrote.
"""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.forms.models import model_to_dict
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from typing_extensions import override

from conversations.playbook.models import AuditEntry, Versioned

if TYPE_CHECKING:
    Base = forms.ModelForm[Any]
else:
    Base = forms.ModelForm

SEEN: Final = "seen_version"
SHOWN_CHARS: Final = 1_000


class VersionedForm(Base):
    """A form that knows which version of the entry it shows."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        self.fields[SEEN].initial = self.instance.edit_version
        for name, field in self.fields.items():
            field.show_hidden_initial = name != SEEN and self.instance.pk is not None

    @override
    def full_clean(self) -> None:
        """Check whether the entry is still the one that was shown."""
        super().full_clean()
        if self.is_bound and self.instance.pk is not None and self.cleaned_data.get(SEEN) is not None:
            newest = held(self.instance)
            if newest is not None and newest.edit_version != self.cleaned_data[SEEN]:
                self.refuse(newest)

    def refuse(self, newest: Versioned) -> None:
        """Say who was quicker, and bring both texts onto the page."""
        theirs = model_to_dict(newest, fields=[name for name in self.fields if name != SEEN])
        mine = set(self.changed_data)
        data = QueryDict(mutable=True)
        data.update(self.data)
        self.data = data
        for name, value in theirs.items():
            bound = self[name]
            newer = bound.field.prepare_value(value)
            if name not in mine:
                show(data, self.add_prefix(name), newer)
            elif text_of(newer) not in {text_of(shown_at_first(bound)), text_of(bound.value())}:
                saved = text_of(newer)[:SHOWN_CHARS]
                self.add_error(name, _("Saved meanwhile by somebody else: %(text)s") % {"text": saved})
            data[self.add_initial_prefix(name)] = "" if newer is None else str(newer)
        data[self.add_prefix(SEEN)] = str(newest.edit_version)
        self.add_error(None, who_was_quicker(newest))


def show(data: QueryDict, key: str, value: object) -> None:
    """Put a value into the page as if it had been entered."""
    if value is None or value is False or value == "":
        data.pop(key, None)
    else:
        data[key] = "on" if value is True else str(value)


def held(entry: Versioned) -> Versioned | None:
    """Return the entry as it is now, and keep others from it until this save is over."""
    return type(entry)._base_manager.select_for_update(of=("self",)).filter(pk=entry.pk).first()


def shown_at_first(bound: forms.BoundField) -> object:
    """Return the value that the page showed before the person changed it."""
    form = bound.form
    value: object = bound.field.hidden_widget().value_from_datadict(
        form.data, form.files, form.add_initial_prefix(bound.name)
    )
    return value


def text_of(value: object) -> str:
    """Return a field's value as one text, so that what came from a page and from a table can be compared."""
    if value is None or value is False or value == "False":
        return ""
    return str(value).replace("\r\n", "\n").strip()


def who_was_quicker(newest: Versioned) -> str:
    """Return the sentence that tells it."""
    last = AuditEntry.objects.about(newest._meta.model_name or "", newest.pk).first()
    who = last.actor_name if last and last.actor_name else _("Somebody")
    at = date_format(timezone.localtime(last.at if last else None), "TIME_FORMAT")
    return _(
        "%(who)s saved a newer version at %(time)s, so yours was not saved. Your words are still here; what the other "
        "one wrote stands at each field that you both changed. Save again to keep what you see."
    ) % {"who": who, "time": at}
