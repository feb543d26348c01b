"""The lines of a list whose cells can be edited right there."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.text import Truncator

if TYPE_CHECKING:
    Base = forms.ModelForm[Any]
else:
    Base = forms.ModelForm

NAME_CHARS: Final = 60


class RowForm(Base):
    """A line whose cells say what they are of which entry, to those who don't see the column's title either."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        name = Truncator(" ".join(str(self.instance).split())).chars(NAME_CHARS)
        for field in self.fields.values():
            if not field.widget.is_hidden:
                field.widget.attrs["aria-label"] = f"{field.label}: {name}"
