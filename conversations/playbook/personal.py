"""Personal data in the words of staff, for whoever shows what `text.masking` found."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.text.masking import PersonalData

KINDS: Final[Mapping[PersonalData, Promise]] = {
    PersonalData.PHONE: _("a phone number"),
    PersonalData.CARD: _("a card number"),
    PersonalData.EMAIL: _("an e-mail address"),
    PersonalData.NATIONAL_ID: _("a national id"),
    PersonalData.ACCOUNT: _("a bank account"),
    PersonalData.ADDRESS: _("a postal address"),
    PersonalData.CREDENTIAL: _("a password or key"),
    PersonalData.NAME: _("a name"),
    PersonalData.ORDER: _("an order number"),
}
