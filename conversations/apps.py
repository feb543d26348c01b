"""The app's registration."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from conversations.desk.dates import count_years_as_readers_do

MODEL_MODULES: tuple[str, ...] = (
    "conversations.playbook.models",
    "conversations.gateway.models",
    "conversations.answers.models",
    "conversations.answers.student.models",
)


class ConversationsConfig(AppConfig):
    """Registers the models of every floor, not only those of `conversations.models`."""

    name = "conversations"
    verbose_name = _("Customer service")

    def import_models(self) -> None:
        """Import the models that capabilities keep in their own packages."""
        super().import_models()
        for name in MODEL_MODULES:
            import_module(name)

    def ready(self) -> None:
        """Connect what follows when a customer is erased; let dates show the year that readers count."""
        super().ready()
        count_years_as_readers_do()
        import_module("conversations.answers.erasing")
