"""The catalog as this process knows it: one cheap query per call tells whether it is still what the tables say."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from conversations.gateway.catalog import (
    NO_KEY,
    Baseline,
    Candidate,
    Catalog,
    Key,
    Limits,
    LiveRollout,
    SamplingChanges,
    Waits,
)
from conversations.gateway.models import (
    ApiKey,
    GatewayStamp,
    LanguageModel,
    Placement,
    Price,
    Provider,
    ProviderKind,
    Rollout,
    Route,
    SamplingProfile,
    Tier,
)
from conversations.gateway.models.providers import KEYLESS
from conversations.gateway.models.rollouts import LIVE_STATES
from conversations.gateway.pricing import PriceEntry, UnitPrices, Window
from conversations.gateway.secrets import SealError, unseal

logger = logging.getLogger(__name__)

READ_TRIES = 5


class Shelf:
    """Holds what was read last. Threads may read twice at the same moment; both get the same."""

    def __init__(self) -> None:
        self._known: Catalog | None = None

    @property
    def known(self) -> Catalog | None:
        """What was read last, without asking again; None where nothing was."""
        return self._known

    def current(self) -> Catalog:
        """Return the catalog, read again if anything in it changed."""
        return self.at(read_stamp())

    def at(self, stamp: uuid.UUID | None) -> Catalog:
        """Return the catalog, read again unless this stamp is that of what is known."""
        known = self._known
        if known is None or stamp is None or known.stamp != stamp:
            known = self._known = read_steadily(stamp)
        return known


SHELF = Shelf()


def current_catalog() -> Catalog:
    """Return what may answer now. An edit that has been committed is in it."""
    return SHELF.current()


def known_catalog() -> Catalog | None:
    """Return what this process read last; None where it read nothing yet."""
    return SHELF.known


def read_stamp() -> uuid.UUID | None:
    """Return the value that changes with every edit; None where nothing was ever written."""
    return GatewayStamp.objects.values_list("value", flat=True).first()


def read_steadily(stamp: uuid.UUID | None) -> Catalog:
    """Read all tables, again if an edit came in between, so that no reply mixes two states."""
    for _ in range(READ_TRIES):
        catalog = read_catalog()
        after = read_stamp()
        if after == stamp:
            break
        stamp = after
    return replace(catalog, stamp=stamp)


def read_catalog() -> Catalog:
    """Read what is switched on from the tables."""
    candidates = tuple(read_candidates())
    real = tuple(each for each in candidates if each.kind != ProviderKind.SIMULATOR)
    # The simulator only stands in: never beside a provider that a shop has set up.
    return Catalog(stamp=None, candidates=real or candidates, rollout=read_rollout(), baseline=read_baseline())


def read_candidates() -> Iterator[Candidate]:
    """Yield the routes that can be used, in the order of their groups."""
    keys, prices, profiles = read_keys(), read_prices(), read_profiles()
    routes = Route.objects.filter(is_on=True, account__is_on=True, account__provider__is_on=True)
    for route in routes.select_related("account__provider", "model").order_by("group", "pk"):
        if candidate := candidate_of(route, keys=keys[route.account_id]):
            yield replace(candidate, prices=prices[route.model_id], profiles=profiles[route.model_id])


def read_candidate(route_id: int) -> Candidate | None:
    """Return a route as a candidate, also one that is switched off, with all its keys. None where it can't be used."""
    route = Route.objects.select_related("account__provider", "model").filter(pk=route_id).first()
    if route is None:
        return None
    candidate = candidate_of(route, keys=opened_keys(route.account.keys.all()))
    if candidate is None:
        return None
    return replace(candidate, prices=read_prices()[route.model_id], profiles=read_profiles()[route.model_id])


def candidate_of(route: Route, *, keys: tuple[Key, ...]) -> Candidate | None:
    """Return a route as a candidate. None where it has no key, or its proxy can't be opened."""
    provider, model = route.account.provider, route.model
    try:
        proxy = unseal(provider.proxy_sealed) if provider.proxy_sealed else None
    except SealError as error:
        # Going without the proxy could take customers' words a way that the shop ruled out.
        logger.error("provider %s is left out, its proxy can't be opened: %s", provider.name, error)
        return None
    usable = keys or ((NO_KEY,) if provider.kind in KEYLESS else ())
    if not usable:
        return None
    return Candidate(
        route_id=route.pk,
        provider_id=provider.pk,
        account_id=route.account_id,
        model_id=model.pk,
        provider=provider.name,
        kind=ProviderKind(provider.kind),
        base_url=provider.base_url,
        model=model.name,
        keys=usable,
        group=route.group,
        weight=route.weight,
        tier=Tier(model.tier),
        placement=Placement(model.placement),
        limits=Limits(route.max_concurrency, route.requests_per_minute, route.tokens_per_minute),
        waits=waits_of(provider),
        extra_body=extra_body_of(model),
        proxy=proxy,
    )


def waits_of(provider: Provider) -> Waits:
    """Return a provider's own deadlines."""
    return Waits(provider.first_token_seconds, provider.between_chunks_seconds)


def extra_body_of(model: LanguageModel) -> str:
    """Return the fields that go with each of a model's requests, as JSON, with what its way of asking needs."""
    forced = {"add_generation_prompt": False, "continue_final_message": True}
    extra = forced if model.placement == Placement.REASONER_FORCED else {}
    fields = {**extra, **(model.extra_body if isinstance(model.extra_body, dict) else {})}
    return orjson.dumps(fields).decode() if fields else ""


def read_keys() -> dict[int, tuple[Key, ...]]:
    """Return each account's keys that are on, the oldest first."""
    rows: dict[int, list[ApiKey]] = defaultdict(list)
    for row in ApiKey.objects.filter(is_on=True).order_by("pk"):
        rows[row.account_id].append(row)
    return defaultdict(tuple, {account: opened_keys(own) for account, own in rows.items()})


def opened_keys(rows: Iterable[ApiKey]) -> tuple[Key, ...]:
    """Return the keys; one that can't be opened is left out, and said."""
    found = []
    for row in rows:
        try:
            found.append(Key(row.fingerprint, unseal(row.sealed)))
        except SealError as error:
            logger.error("key %s can't be opened: %s", row.fingerprint, error)
    return tuple(found)


def read_prices() -> dict[int, tuple[PriceEntry, ...]]:
    """Return each model's prices."""
    found: dict[int, tuple[PriceEntry, ...]] = defaultdict(tuple)
    for row in Price.objects.order_by("valid_from", "pk"):
        found[row.model_id] += (price_entry(row),)
    return found


def price_entry(row: Price) -> PriceEntry:
    """Return a row of the price table as a value."""
    window = None
    if row.window_from is not None and row.window_until is not None:
        window = Window(row.window_from, row.window_until, tuple(row.window_days), frozenset(row.except_days))
    prices = UnitPrices(row.currency, input=row.input, cached_input=row.cached_input, output=row.output)
    return PriceEntry(prices, valid_from=row.valid_from, valid_until=row.valid_until, window=window)


def read_profiles() -> dict[int, dict[str, SamplingChanges]]:
    """Return each model's sampling by use."""
    found: dict[int, dict[str, SamplingChanges]] = defaultdict(dict)
    for row in SamplingProfile.objects.all():
        found[row.model_id][row.purpose] = SamplingChanges(
            is_thinking=row.is_thinking,
            temperature=row.temperature,
            top_p=row.top_p,
            frequency_penalty=row.frequency_penalty,
            max_tokens=row.max_tokens,
        )
    return found


def read_rollout() -> LiveRollout | None:
    """Return the rollout that is live."""
    row = Rollout.objects.filter(state__in=LIVE_STATES).first()
    return LiveRollout(row.pk, row.canary_id, ratio=row.ratio, release_id=row.release_id) if row else None


def read_baseline() -> Baseline | None:
    """Return what savings are compared with."""
    model = LanguageModel.objects.filter(is_baseline=True).prefetch_related("prices").first()
    return Baseline(model.name, price_entries(model.prices.all())) if model else None


def price_entries(rows: Iterable[Price]) -> tuple[PriceEntry, ...]:
    """Return rows of the price table as values."""
    return tuple(price_entry(row) for row in sorted(rows, key=lambda row: (row.valid_from, row.pk)))
