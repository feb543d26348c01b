"""Makes the first providers from the environment, and follows it later.

The last word counts: an edit in the admin stays until the variable itself changes. A key that a variable no longer
names is switched off; a variable that is missing altogether changes nothing, so that a command started without it does
no harm.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from conversations.gateway.models import Account, ApiKey, LanguageModel, Provider, ProviderKind, Route
from conversations.gateway.secrets import SealError, Secret, fingerprint, resealed
from conversations.gateway.starter import add_starter_prices

logger = logging.getLogger(__name__)

LOCK_NUMBER: Final = 7_203_511_847
ACCOUNT: Final = "main"
SIMULATOR_MODEL: Final = "csbot-simulator"


@dataclass(frozen=True)
class Said:
    """What the environment says about one provider."""

    name: str
    kind: ProviderKind
    base_url: str
    model: str
    keys: tuple[Secret, ...]
    group: int
    is_baseline: bool = False


def said_by_environment() -> Iterator[Said]:
    """Yield the providers that the environment names."""
    if settings.DEEPSEEK_API_KEYS:
        yield Said(
            "deepseek",
            ProviderKind.DEEPSEEK,
            base_url=settings.DEEPSEEK_BASE_URL,
            model=settings.DEEPSEEK_MODEL,
            keys=tuple(map(Secret, settings.DEEPSEEK_API_KEYS)),
            group=1,
        )
    if settings.OPENAI_API_KEYS:
        yield Said(
            "openai",
            ProviderKind.OPENAI,
            base_url=settings.OPENAI_BASE_URL,
            model=settings.OPENAI_MODEL,
            keys=tuple(map(Secret, settings.OPENAI_API_KEYS)),
            group=2,
            is_baseline=True,
        )
    if settings.CSBOT_SIMULATOR_URL:
        yield Said(
            "simulator",
            ProviderKind.SIMULATOR,
            base_url=settings.CSBOT_SIMULATOR_URL,
            model=SIMULATOR_MODEL,
            keys=(),
            group=9,
        )


@transaction.atomic
def follow_environment() -> list[str]:
    """Bring the tables in line with what changed in the environment; return what to tell the operator."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])
    news = [line for said in said_by_environment() for line in _follow(said)]
    news += _reseal()
    for line in news:
        logger.info("%s", line)
    return news


def _follow(said: Said) -> Iterator[str]:
    provider, is_new = Provider.objects.get_or_create(
        name=said.name, defaults={"kind": said.kind, "base_url": said.base_url}
    )
    if is_new:
        yield f"provider {said.name} made"
    last = dict(provider.environment)
    if not is_new and last.get("base_url") not in {None, said.base_url} and provider.base_url != said.base_url:
        provider.base_url = said.base_url
        yield f"provider {said.name} has another address"
    account, _ = Account.objects.get_or_create(provider=provider, name=ACCOUNT)
    if last.get("model") != said.model:
        yield from _follow_model(said, provider=provider, account=account, last=last.get("model"))
    yield from _follow_keys(said, account=account)
    now = {"base_url": said.base_url, "model": said.model}
    if last != now:
        provider.environment = now
        provider.save()


def _follow_model(said: Said, *, provider: Provider, account: Account, last: str | None) -> Iterator[str]:
    """Let the model that the environment names take the place of the one it named before."""
    model, is_new = LanguageModel.objects.get_or_create(provider=provider, name=said.model)
    if is_new:
        add_starter_prices(model)
        if said.is_baseline and not LanguageModel.objects.filter(is_baseline=True).exists():
            model.is_baseline = True
            model.save(update_fields=["is_baseline"])
    before = Route.objects.filter(account=account, model__name=last).first() if last else None
    route, _ = Route.objects.get_or_create(account=account, model=model, defaults={"group": said.group})
    if before is None:
        return
    for name in ("group", "weight", "max_concurrency", "requests_per_minute", "tokens_per_minute", "is_on"):
        setattr(route, name, getattr(before, name))
    route.save()
    Route.objects.filter(pk=before.pk).update(is_on=False)
    yield f"provider {said.name} is asked for {said.model} instead of {last}"


def _follow_keys(said: Said, *, account: Account) -> Iterator[str]:
    named = {fingerprint(key): key for key in said.keys}
    known = {row.fingerprint: row for row in account.keys.all()}
    for name, key in named.items():
        if name not in known:
            row = ApiKey(account=account, label="environment", is_from_environment=True)
            row.set_key(key)
            row.save()
            yield f"provider {said.name} has a new key {name}"
    for name, row in known.items():
        is_named = name in named
        # One that is named again was switched off by us; whoever switched it off by hand meant it.
        if row.is_from_environment and row.is_on and not is_named:
            ApiKey.objects.filter(pk=row.pk).update(is_on=False, label="no longer in the environment")
            yield f"provider {said.name} no longer has the key {name}"
        elif row.is_from_environment and is_named and row.label == "no longer in the environment":
            ApiKey.objects.filter(pk=row.pk).update(is_on=True, label="environment")
            yield f"provider {said.name} has the key {name} again"


def _reseal() -> Iterator[str]:
    """Seal everything with the first sealing key, so that older ones can be taken out of the environment."""
    count = 0
    for row in ApiKey.objects.all():
        if fresh := _resealed(row.sealed, what=f"key {row.fingerprint}"):
            count += ApiKey.objects.filter(pk=row.pk).update(sealed=fresh)
    for provider in Provider.objects.exclude(proxy_sealed=""):
        if fresh := _resealed(provider.proxy_sealed, what=f"proxy of {provider.name}"):
            count += Provider.objects.filter(pk=provider.pk).update(proxy_sealed=fresh)
    if count:
        yield f"{count} secrets sealed anew"


def _resealed(sealed: str, *, what: str) -> str | None:
    try:
        return resealed(sealed)
    except SealError as error:
        logger.error("%s can't be opened: %s", what, error)
        return None
