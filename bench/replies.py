"""What the model stand-in answers: one envelope of csbot's kind, or plain prose, as pre-built chunks.

The question's marker (`marker_of`) comes back at the end of the reply, so that a reply belongs to one question.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import orjson

MARKER: Final = re.compile(rb"bench-[0-9a-z]+-[0-9]+")
HEAD: Final = ('{"intent": "สินค้า", ', '"escalate": false, ', '"action_required": false, ', '"response": "')
TAIL: Final = '"}'
TOKEN_CHARS: Final = 4
PROSE: Final = (
    "สวัสดีค่ะ ขอบคุณที่สอบถามเข้ามานะคะ สินค้ารุ่นนี้มีพร้อมส่งทุกสีทุกขนาดค่ะ หากสั่งซื้อก่อนบ่ายสองโมงวันนี้ "
    "ทางร้านจัดส่งให้ภายในวันเดียวกัน และลูกค้าจะได้รับของภายในสองถึงสามวันทำการ ส่งฟรีเมื่อซื้อครบห้าร้อยบาทขึ้นไป "
    "ถ้าของมีปัญหาเปลี่ยนหรือคืนได้ภายในสามสิบวันค่ะ เพียงเก็บใบเสร็จไว้กับกล่องเดิม แล้วแจ้งเลขที่คำสั่งซื้อกับเราในแชตนี้ "
    "เจ้าหน้าที่จะนัดรับสินค้าถึงบ้านโดยไม่มีค่าใช้จ่ายใด ๆ ทั้งสิ้นค่ะ "
)
CHUNK: Final = {
    "id": "6e9a3a5c-8f2b-4f0d-9a67-0d4f3f0c7b11",
    "object": "chat.completion.chunk",
    "created": 1_790_000_000,
    "model": "deepseek-flash",
    "system_fingerprint": "fp_3a5790e1b4_prod0820_fp8_kvcache",
}


@dataclass(frozen=True)
class Script:
    """A reply's content, chunk by chunk, up to its marker; `first_visible` is the first chunk a customer may see."""

    pieces: tuple[str, ...]
    first_visible: int
    tail: str

    def text(self, marker: str) -> str:
        """Return the whole content with its marker."""
        return "".join(self.pieces) + marker + self.tail


def marker_of(body: bytes) -> str:
    """Return the marker of the question a request asks, which is the last in its prompt; "" if there is none."""
    markers = MARKER.findall(body)
    return markers[-1].decode() if markers else ""


def cut_prose(pieces: int) -> tuple[str, ...]:
    """Return Thai prose in so many pieces; like a tokenizer's, some end in the middle of a written syllable."""
    endless = PROSE * (pieces * TOKEN_CHARS // len(PROSE) + 1)
    return tuple(endless[start : start + TOKEN_CHARS] for start in range(0, pieces * TOKEN_CHARS, TOKEN_CHARS))


@cache
def envelope_script(tokens: int) -> Script:
    """Return an envelope of `tokens` chunks: the decision first, the prose last."""
    return Script(HEAD + cut_prose(tokens - len(HEAD) - 1), first_visible=len(HEAD), tail=TAIL)


@cache
def prose_script(tokens: int) -> Script:
    """Return plain prose of `tokens` chunks, for those who don't ask for JSON."""
    return Script(cut_prose(tokens - 1), first_visible=0, tail="")


def content_frame(content: str) -> bytes:
    """Return one chunk with `content`, as it goes over the wire."""
    return _frame({"content": content}, finish_reason=None)


def first_frame(content: str) -> bytes:
    """Return the opening chunk (the role, no content) and the first one with content."""
    return _frame({"role": "assistant", "content": ""}, finish_reason=None) + content_frame(content)


def last_frames(usage: dict[str, object]) -> bytes:
    """Return the chunk that ends the answer, with the usage in it, the end mark and the end of the body."""
    end = _frame({"content": ""}, finish_reason="stop", usage=usage)
    return end + as_http_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def as_http_chunk(data: bytes) -> bytes:
    """Return `data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _frame(delta: dict[str, str], *, finish_reason: str | None, usage: dict[str, object] | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk: dict[str, object] = {**CHUNK, "choices": [choice]}
    if usage is not None:
        chunk["usage"] = usage
    return as_http_chunk(b"data: " + orjson.dumps(chunk) + b"\n\n")


def usage_of(*, prompt_bytes: int, tokens: int) -> dict[str, object]:
    """Return usage as DeepSeek counts it, with most of the prompt served from its prefix cache."""
    prompt_tokens = max(1, prompt_bytes // 4)
    cached = prompt_tokens // 128 * 128
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
        "prompt_tokens_details": {"cached_tokens": cached},
        "prompt_cache_hit_tokens": cached,
        "prompt_cache_miss_tokens": prompt_tokens - cached,
    }
