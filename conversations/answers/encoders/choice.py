"""Which encoder the operator chose (CSBOT_EMBEDDINGS), made and checked once per process."""

import logging
from functools import cache
from pathlib import Path

from django.conf import settings

from conversations.answers.encoders.base import Encoder, EncoderAwayError, UnfitEncoderError
from conversations.answers.encoders.check import check_thai
from conversations.answers.encoders.endpoint import EndpointEncoder
from conversations.answers.encoders.hashed import HashedEncoder
from conversations.answers.encoders.local import LocalEncoder

logger = logging.getLogger(__name__)


def make_encoder() -> Encoder:
    """Return the encoder of the settings, checked. Raises UnfitEncoderError, EncoderAwayError."""
    wish: str = settings.CSBOT_EMBEDDINGS
    prefix: str = settings.CSBOT_EMBEDDINGS_PREFIX
    encoder: Encoder
    if wish == "hashed":
        return HashedEncoder()
    if wish.startswith(("http://", "https://")):
        encoder = EndpointEncoder(
            wish, model=settings.CSBOT_EMBEDDINGS_MODEL, key=settings.CSBOT_EMBEDDINGS_KEY, prefix=prefix
        )
    elif Path(wish).is_dir():
        encoder = LocalEncoder(Path(wish), prefix=prefix)
    else:
        raise UnfitEncoderError("no_such_model")
    check_thai(encoder)
    return encoder


@cache
def chosen_encoder() -> Encoder:
    """Return this process's encoder: the chosen one, or hashed n-grams where that one can't be used."""
    try:
        return make_encoder()
    except (UnfitEncoderError, EncoderAwayError) as error:
        logger.warning(
            "embeddings: %s can't be used (%s); hashed n-grams are used instead", type(error).__name__, error
        )
        return HashedEncoder()
