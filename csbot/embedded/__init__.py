"""PostgreSQL (with pgvector) and Redis from wheels, run on this machine for one data folder.

For `manage.py up` and the tests; a production image uses DATABASE_URL and REDIS_URL instead and holds neither. Nothing
here reads Django's settings, and nothing here is imported by the app.
"""

from csbot.embedded.account import Account, service_account
from csbot.embedded.launch import Launch
from csbot.embedded.places import socket_folder
from csbot.embedded.postgres import postgres_service
from csbot.embedded.problems import EmbeddedError
from csbot.embedded.redis import redis_service
from csbot.embedded.service import Service
from csbot.embedded.standalone import sockets_of, start_postgres, start_redis

__all__ = [
    "Account",
    "EmbeddedError",
    "Launch",
    "Service",
    "postgres_service",
    "redis_service",
    "service_account",
    "socket_folder",
    "sockets_of",
    "start_postgres",
    "start_redis",
]
