"""Turning questions into vectors, behind one small interface: hashed n-grams, an endpoint, or a mounted model."""

from conversations.answers.encoders.base import Encoder, EncoderAwayError, UnfitEncoderError, Vectors
from conversations.answers.encoders.choice import ENCODERS, make_encoder

__all__ = ["ENCODERS", "Encoder", "EncoderAwayError", "UnfitEncoderError", "Vectors", "make_encoder"]
