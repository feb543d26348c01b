"""Editing without losing anybody's work: each save of an entry must know the newest one (`edit_version`).

Changes that go past `save` (bulk updates, psql) raise the number too, by a trigger of migration 0006.
"""

from collections.abc import Iterable
from functools import partial

from django.db import models, transaction
from django.db.models.base import ModelBase
from django.utils.translation import gettext_lazy as _


class StaleError(Exception):
    """Somebody saved the entry since it was read; nothing was written."""


class Versioned(models.Model):
    """An entry that several people may edit."""

    edit_version = models.PositiveIntegerField(_("edit number"), default=0, editable=False)

    class Meta:
        abstract = True

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save, unless somebody else did since this was read (StaleError)."""
        fields = None if update_fields is None else {*update_fields, "edit_version"}
        save = partial(
            super().save, force_insert=force_insert, force_update=force_update, using=using, update_fields=fields
        )
        if self._state.adding:
            save()
            return
        known = self.edit_version
        try:
            with transaction.atomic():
                self._hold()
                self.edit_version = known + 1
                save()
        except BaseException:
            self.edit_version = known
            raise

    def _hold(self) -> None:
        """Keep others from the row until the save is over, if it is still the one that was read."""
        rows = type(self)._base_manager.select_for_update().filter(pk=self.pk)
        newest = rows.values_list("edit_version", flat=True).first()
        if newest is not None and newest != self.edit_version:
            raise StaleError
