"""Which encoders there are: the one the operator chose, the one before it, and hashed n-grams, which always are.

The one before (CSBOT_EMBEDDINGS_PREVIOUS) serves while the chosen one's vectors are made. One that can't be reached is
tried again after a while; one that can't read Thai never is.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from conversations.answers.encoders.base import Encoder, EncoderAwayError, UnfitEncoderError
from conversations.answers.encoders.check import check_thai
from conversations.answers.encoders.endpoint import EndpointEncoder
from conversations.answers.encoders.hashed import HashedEncoder
from conversations.answers.encoders.local import LocalEncoder

logger = logging.getLogger(__name__)

HASHED: Final = "hashed"
AGAIN_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Choice:
    """An encoder as settings name it."""

    wish: str
    model: str = ""
    key: str = ""
    prefix: str = ""


def wanted() -> Choice:
    """Return the operator's choice."""
    return Choice(
        settings.CSBOT_EMBEDDINGS,
        settings.CSBOT_EMBEDDINGS_MODEL,
        settings.CSBOT_EMBEDDINGS_KEY,
        settings.CSBOT_EMBEDDINGS_PREFIX,
    )


def choices() -> list[Choice]:
    """Return what may be used, the best first: the chosen, the one before if it was named, hashed n-grams."""
    before = Choice(
        settings.CSBOT_EMBEDDINGS_PREVIOUS,
        settings.CSBOT_EMBEDDINGS_PREVIOUS_MODEL,
        settings.CSBOT_EMBEDDINGS_PREVIOUS_KEY,
        settings.CSBOT_EMBEDDINGS_PREVIOUS_PREFIX,
    )
    named = [each for each in (wanted(), before) if each.wish not in {"", HASHED}]
    if settings.CSBOT_EMBEDDINGS == HASHED:
        return [Choice(HASHED), *named]
    return [*named, Choice(HASHED)]


def make_encoder(choice: Choice | None = None) -> Encoder:
    """Return the encoder of a choice (the operator's), checked. Raises UnfitEncoderError, EncoderAwayError."""
    choice = choice or wanted()
    encoder: Encoder
    if choice.wish == HASHED:
        return HashedEncoder()
    if choice.wish.startswith(("http://", "https://")):
        encoder = EndpointEncoder(choice.wish, model=choice.model, key=choice.key, prefix=choice.prefix)
    elif Path(choice.wish).is_dir():
        encoder = LocalEncoder(Path(choice.wish), prefix=choice.prefix)
    else:
        raise UnfitEncoderError("no_such_model")
    check_thai(encoder)
    return encoder


class Encoders:
    """The encoders that this process has made so far. Threads may ask at the same moment; one of them makes."""

    def __init__(self) -> None:
        self._made: dict[Choice, Encoder | None] = {Choice(HASHED): HashedEncoder()}
        self._again_at: dict[Choice, float] = {}
        self._lock = threading.Lock()

    def in_use(self) -> list[Encoder]:
        """Return those that can be used, the best first. Makes what isn't made yet, which may take seconds."""
        for choice in self._due():
            with self._lock:
                if choice in self._due():
                    self._made[choice] = self._try(choice)
        return self._usable()

    def in_use_now(self, later: Callable[[Callable[[], object]], object]) -> list[Encoder]:
        """Return those that can be used at once; what has to be made is handed to `later`."""
        if self._due() and not self._lock.locked():
            later(self.in_use)
        return self._usable()

    def is_chosen(self, encoder: Encoder) -> bool:
        """Whether it is the operator's choice, and not what stands in for it."""
        return self._made.get(choices()[0]) is encoder

    def _due(self) -> list[Choice]:
        now = time.monotonic()
        return [each for each in choices() if each not in self._made or now >= self._again_at.get(each, now + 1)]

    def _usable(self) -> list[Encoder]:
        made = {each.name: each for choice in choices() if (each := self._made.get(choice)) is not None}
        return list(made.values())

    def _try(self, choice: Choice) -> Encoder | None:
        self._again_at.pop(choice, None)
        try:
            return make_encoder(choice)
        except EncoderAwayError as error:
            self._again_at[choice] = time.monotonic() + AGAIN_SECONDS
            logger.warning("embeddings: an encoder is away (%s); others are used until it is back", error)
        except UnfitEncoderError as error:
            logger.warning("embeddings: an encoder can't be used (%s); others are used instead", error)
        return None


ENCODERS: Final = Encoders()
