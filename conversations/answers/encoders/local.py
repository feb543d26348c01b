"""A model that the operator mounts: a folder with tokenizer.json and model.onnx, or config.json and model.safetensors.

Needs the packages of the group `embeddings` (tokenizers, and onnxruntime for ONNX). Downloads nothing.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.encoders.base import UnfitEncoderError, Vectors, normalised
from conversations.answers.encoders.bert import Bert

BATCH: Final = 16
MAX_TOKENS: Final = 128
UNKNOWN_TOKENS: Final = ("[UNK]", "<unk>")
VERSION_BYTES: Final = 1 << 20
WITHOUT_BATCH: Final = 2

Ids = NDArray[np.int64]
Forward = Callable[[Ids, Ids], Vectors]


class LocalEncoder:
    """Reads a folder once; encodes in this process."""

    is_quick = False

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        self._tokenizer = load_tokenizer(folder)
        self._prefix = prefix
        self._unknown = {self._tokenizer.token_to_id(token) for token in UNKNOWN_TOKENS} - {None}
        self._forward, weights = load_forward(folder)
        self.dimensions = int(self.encode(["ร้าน"]).shape[1])
        self.name = f"local:{folder.name}:{version_of(weights)}:{prefix}:{self.dimensions}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text."""
        rows = [self._encode_batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return normalised(np.concatenate(rows))

    def unknown_share(self, text: str) -> float:
        """Return which share of a text's tokens stand for "unknown"."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return sum(each in self._unknown for each in ids) / len(ids) if ids else 1.0

    def _encode_batch(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch([self._prefix + text for text in texts])
        ids = np.array([each.ids for each in encoded], dtype=np.int64)
        mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
        return self._forward(ids, mask)


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - an optional package's class
    """Return the folder's tokenizer, set to cut and to fill up. Raises UnfitEncoderError."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UnfitEncoderError("no_tokenizer")
    tokenizer = imported("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(MAX_TOKENS)
    filler = next((word for word in ("[PAD]", "<pad>") if tokenizer.token_to_id(word) is not None), None)
    tokenizer.enable_padding(**({"pad_token": filler, "pad_id": tokenizer.token_to_id(filler)} if filler else {}))
    return tokenizer


def load_forward(folder: Path) -> tuple[Forward, Path]:
    """Return what turns tokens into vectors, and the file that it was read from. Raises UnfitEncoderError."""
    for path in (folder / "model.onnx", folder / "onnx" / "model.onnx"):
        if path.is_file():
            return onnx_forward(path), path
    if (folder / "model.safetensors").is_file():
        return Bert(folder).mean, folder / "model.safetensors"
    raise UnfitEncoderError("no_model")


def onnx_forward(path: Path) -> Forward:
    """Return an ONNX model's forward pass; token states are averaged, a sentence's own vector is taken as it is."""
    runtime = imported("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = {each.name for each in session.get_inputs()}

    def forward(ids: Ids, mask: Ids) -> Vectors:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        found = np.asarray(session.run(None, {name: given[name] for name in wanted})[0], dtype=np.float32)
        if found.ndim == WITHOUT_BATCH:
            return found
        weights = mask[:, :, None].astype(np.float32)
        mean: Vectors = (found * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return mean

    return forward


def imported(package: str) -> Any:  # noqa: ANN401 - an optional package
    """Return an optional package. Raises UnfitEncoderError."""
    try:
        return import_module(package)
    except ImportError:
        raise UnfitEncoderError(f"missing_package:{package}") from None


def version_of(path: Path) -> str:
    """Return a short hash of a model's beginning, end and size: another model, another name."""
    size = path.stat().st_size
    with path.open("rb") as file:
        beginning = file.read(VERSION_BYTES)
        file.seek(max(0, size - VERSION_BYTES))
        end = file.read()
    return sha256(beginning + end + str(size).encode()).hexdigest()[:12]
