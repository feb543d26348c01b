"""An OpenAI-compatible `/v1/embeddings` endpoint. Questions leave the machine; personal data was refused before."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from conversations.answers.encoders.base import EncoderAwayError, Vectors, normalised

BATCH: Final = 64
PROBE: Final = "ร้านเปิดกี่โมงคะ"


class EndpointEncoder:
    """Asks an endpoint. Its first call tells how long its vectors are."""

    is_quick = False

    def __init__(
        self, url: str, *, model: str, key: str = "", prefix: str = "", dimensions: int = 0, seconds: float = 1.0
    ) -> None:
        import httpx2

        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.Client(headers=headers, timeout=seconds, follow_redirects=False)
        self._url = url.rstrip("/") + "/embeddings"
        self._options: dict[str, Any] = {"model": model} | ({"dimensions": dimensions} if dimensions else {})
        self._prefix = prefix
        self.dimensions = int(self._ask([PROBE]).shape[1])
        self.name = f"endpoint:{model}:{prefix}:{self.dimensions}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text. Raises EncoderAwayError."""
        batches = [self._ask(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self.dimensions), dtype=np.float32)

    def unknown_share(self, text: str) -> float:  # noqa: ARG002 - an endpoint doesn't say
        """An endpoint doesn't tell what it can't read: the check compares its vectors instead."""
        return 0.0

    def _ask(self, texts: Sequence[str]) -> Vectors:
        from httpx2 import HTTPError

        body = self._options | {"input": [self._prefix + text for text in texts], "encoding_format": "float"}
        try:
            response = self._client.post(self._url, json=body)
            response.raise_for_status()
            rows = sorted(response.json()["data"], key=lambda row: row["index"])
            vectors = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        except (HTTPError, ValueError, KeyError, TypeError) as error:
            raise EncoderAwayError(type(error).__name__) from None
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EncoderAwayError("wrong_shape")
        return normalised(vectors)
