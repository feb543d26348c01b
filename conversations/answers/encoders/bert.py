"""A sentence encoder of the BERT family (MiniLM, multilingual E5, paraphrase-multilingual) in numpy, from safetensors.

For one short text at a time numpy is as fast as a framework, and a framework is a gigabyte.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.encoders.base import UnfitEncoderError
from conversations.answers.encoders.safetensors import read_tensors

Array = NDArray[np.float32]
PREFIXES: Final = ("", "bert.", "roberta.", "model.")
ROBERTA_OFFSET: Final = 2
MASKED: Final = np.float32(-1e9)


class Bert:
    """The encoder's forward pass."""

    def __init__(self, folder: Path) -> None:
        self._config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = self._config.get("model_type", "bert")
        if kind not in {"bert", "xlm-roberta", "roberta"}:
            raise UnfitEncoderError("unknown_architecture")
        self._offset = 0 if kind == "bert" else ROBERTA_OFFSET
        tensors = read_tensors(folder / "model.safetensors")
        prefix = next((each for each in PREFIXES if f"{each}embeddings.word_embeddings.weight" in tensors), None)
        if prefix is None:
            raise UnfitEncoderError("unknown_tensors")
        self._tensors: Mapping[str, Array] = {name.removeprefix(prefix): each for name, each in tensors.items()}
        self._heads = int(self._config["num_attention_heads"])
        self._layers = int(self._config["num_hidden_layers"])
        self._epsilon = float(self._config.get("layer_norm_eps", 1e-12))
        self.max_tokens = int(self._config["max_position_embeddings"]) - self._offset

    @property
    def dimensions(self) -> int:
        """How long the vectors are."""
        return int(self._config["hidden_size"])

    def mean(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Array:
        """Return the mean of the tokens' last states, a row for each text."""
        states = self._embedded(ids, mask)
        seen = mask[:, None, None, :].astype(np.float32)
        penalty = (1 - seen) * MASKED
        for layer in range(self._layers):
            states = self._layer(states, penalty, f"encoder.layer.{layer}.")
        weights = mask[:, :, None].astype(np.float32)
        mean: Array = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return mean

    def _embedded(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Array:
        positions = np.cumsum(mask, axis=1) * mask + self._offset - 1 if self._offset else np.arange(ids.shape[1])[None]
        states = self._tensors["embeddings.word_embeddings.weight"][ids]
        states = states + self._tensors["embeddings.position_embeddings.weight"][positions]
        types = self._tensors.get("embeddings.token_type_embeddings.weight")
        if types is not None:
            states = states + types[0]
        return self._norm(states, "embeddings.LayerNorm")

    def _layer(self, states: Array, penalty: Array, name: str) -> Array:
        attended = self._dense(
            self._attention(states, penalty, f"{name}attention.self."), f"{name}attention.output.dense"
        )
        states = self._norm(states + attended, f"{name}attention.output.LayerNorm")
        inner = gelu(self._dense(states, f"{name}intermediate.dense"))
        return self._norm(states + self._dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _attention(self, states: Array, penalty: Array, name: str) -> Array:
        query, key, value = (self._split(self._dense(states, name + part)) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(query.shape[-1])) + penalty
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        joined: Array = mixed.transpose(0, 2, 1, 3).reshape(states.shape)
        return joined

    def _split(self, states: Array) -> Array:
        texts, tokens, width = states.shape
        heads: Array = states.reshape(texts, tokens, self._heads, width // self._heads).transpose(0, 2, 1, 3)
        return heads

    def _dense(self, states: Array, name: str) -> Array:
        result: Array = states @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]
        return result

    def _norm(self, states: Array, name: str) -> Array:
        centred = states - states.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self._epsilon)
        scaled: Array = centred / spread * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]
        return scaled


def gelu(x: Array) -> Array:
    """Return GELU; the normal distribution's integral by Abramowitz and Stegun 7.1.26 (error below 2e-7)."""
    z = np.abs(x) / np.float32(math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    integral = np.sign(x) * (1 - series * np.exp(-z * z))
    result: Array = (0.5 * x * (1 + integral)).astype(np.float32)
    return result
