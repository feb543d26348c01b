import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from pytest_django import Settings
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from conversations.answers.encoders.base import EncoderAwayError, UnfitEncoderError
from conversations.answers.encoders.check import SENTENCES, check_thai
from conversations.answers.encoders.choice import make_encoder
from conversations.answers.encoders.endpoint import EndpointEncoder
from conversations.answers.encoders.hashed import HashedEncoder
from conversations.answers.encoders.local import LocalEncoder
from conversations.answers.encoders.safetensors import read_tensors

THAI = [chr(code) for code in range(0x0E01, 0x0E5B)]
WIDTH = 32


def write_tokenizer(folder: Path, letters: list[str]) -> int:
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {letter: place for place, letter in enumerate(letters, start=2)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def write_safetensors(path: Path, tensors: dict[str, np.ndarray[Any, Any]]) -> None:
    header, body = {}, b""
    for name, tensor in tensors.items():
        data = tensor.astype(np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + body)


def bert_tensors(words: int) -> dict[str, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(1)
    made = {
        "embeddings.word_embeddings.weight": draw.normal(size=(words, WIDTH)),
        "embeddings.position_embeddings.weight": 0.1 * draw.normal(size=(64, WIDTH)),
        "embeddings.token_type_embeddings.weight": np.zeros((2, WIDTH)),
        "embeddings.LayerNorm.weight": np.ones(WIDTH),
        "embeddings.LayerNorm.bias": np.zeros(WIDTH),
    }
    layer = "encoder.layer.0."
    for name, rows, columns in (
        ("attention.self.query", WIDTH, WIDTH),
        ("attention.self.key", WIDTH, WIDTH),
        ("attention.self.value", WIDTH, WIDTH),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", 2 * WIDTH, WIDTH),
        ("output.dense", WIDTH, 2 * WIDTH),
    ):
        made |= {
            f"{layer}{name}.weight": 0.2 * draw.normal(size=(rows, columns)),
            f"{layer}{name}.bias": np.zeros(rows),
        }
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        made |= {f"{layer}{name}.weight": np.ones(WIDTH), f"{layer}{name}.bias": np.zeros(WIDTH)}
    return made


def bert_folder(folder: Path, letters: list[str]) -> Path:
    words = write_tokenizer(folder, letters)
    write_safetensors(folder / "model.safetensors", bert_tensors(words))
    config = {
        "model_type": "bert", "hidden_size": WIDTH, "num_attention_heads": 4, "num_hidden_layers": 1,
        "max_position_embeddings": 64,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def onnx_folder(folder: Path, letters: list[str]) -> Path:
    words = write_tokenizer(folder, letters)
    weights = np.random.default_rng(2).normal(size=(words, WIDTH)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["words", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", WIDTH])],
        [numpy_helper.from_array(weights, "words")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    return folder


@pytest.mark.parametrize("make", [bert_folder, onnx_folder])
def test_a_mounted_model_is_loaded_and_reads_thai(
    tmp_path: Path, make: Callable[[Path, list[str]], Path], settings: Settings
) -> None:
    settings.CSBOT_EMBEDDINGS = str(make(tmp_path, THAI))
    encoder = make_encoder()
    vectors = encoder.encode(["ร้านเปิดกี่โมง", "ค่าส่งเท่าไหร่", "ร้านเปิดกี่โมง"])
    assert vectors.shape == (3, WIDTH) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2]) and float(vectors[0] @ vectors[1]) < 0.99
    alone = encoder.encode(["ค่าส่งเท่าไหร่"])[0]
    assert np.allclose(alone, vectors[1], atol=1e-5), "what a text is encoded with must not matter"
    assert encoder.name.startswith(f"local:{tmp_path.name}:") and encoder.dimensions == WIDTH


@pytest.mark.parametrize("make", [bert_folder, onnx_folder])
def test_an_english_model_is_refused(
    tmp_path: Path, make: Callable[[Path, list[str]], Path], settings: Settings
) -> None:
    settings.CSBOT_EMBEDDINGS = str(make(tmp_path, list("abcdefghijklmnopqrstuvwxyz ")))
    with pytest.raises(UnfitEncoderError, match="thai_unknown"):
        make_encoder()


def test_another_model_has_another_name(tmp_path: Path) -> None:
    first = LocalEncoder(bert_folder(tmp_path, THAI)).name
    tensors = bert_tensors(len(THAI) + 2)
    tensors["embeddings.word_embeddings.weight"] += 0.5
    write_safetensors(tmp_path / "model.safetensors", tensors)
    assert LocalEncoder(tmp_path).name != first


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 8, (10**9).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[}"]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(UnfitEncoderError):
        read_tensors(path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.CSBOT_EMBEDDINGS = str(tmp_path)
    with pytest.raises(UnfitEncoderError, match="no_tokenizer"):
        make_encoder()


def test_hashed_n_grams_read_thai_and_need_nothing() -> None:
    encoder = HashedEncoder()
    check_thai(encoder)
    one, other, far = encoder.encode(["ส่งต่างจังหวัดกี่วัน", "ส่งต่างจังหวัดกี่วันถึง", "ขอใบกำกับภาษี"])
    assert one @ other > 0.8 > 0.3 > one @ far


class Embeddings(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint; `blind` gives every Thai text the same vector."""

    blind = False
    status = 200
    seen: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(body)
        texts = ["same" for _ in body["input"]] if self.blind else body["input"]
        rows = [[float(x) for x in HashedEncoder().encode([text])[0]] for text in texts]
        data = [{"index": place, "embedding": row} for place, row in reversed(list(enumerate(rows)))]
        told = json.dumps({"data": data}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_told: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[tuple[str, type[Embeddings]]]:
    handler = type("Handler", (Embeddings,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_gives_vectors_in_the_order_of_the_questions(endpoint: tuple[str, type[Embeddings]]) -> None:
    url, handler = endpoint
    encoder = EndpointEncoder(url, model="m", key="k", prefix="query: ")
    texts = ["ร้านเปิดกี่โมง", "ค่าส่งเท่าไหร่"]
    expected = HashedEncoder().encode([f"query: {text}" for text in texts])
    assert np.allclose(encoder.encode(texts), expected, atol=1e-5)
    assert handler.seen[-1]["model"] == "m" and handler.seen[-1]["input"][0] == "query: ร้านเปิดกี่โมง"


def test_an_endpoint_that_cannot_tell_thai_apart_is_refused(
    endpoint: tuple[str, type[Embeddings]], settings: Settings
) -> None:
    url, handler = endpoint
    handler.blind = True
    settings.CSBOT_EMBEDDINGS = url
    with pytest.raises(UnfitEncoderError, match="thai_collapses"):
        make_encoder()


def test_an_endpoint_that_fails_is_away(endpoint: tuple[str, type[Embeddings]]) -> None:
    url, handler = endpoint
    encoder = EndpointEncoder(url, model="m")
    handler.status = 500
    with pytest.raises(EncoderAwayError):
        encoder.encode(list(SENTENCES))
