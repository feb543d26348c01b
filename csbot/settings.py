"""Django's settings. Everything that differs between machines comes from the environment (see `environment`)."""

import logging
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from csbot.environment import current_environment
from csbot.unfold import UNFOLD as UNFOLD_SETTINGS

env = current_environment()

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY") or (
    "development-only-not-secret-" + "0" * 32
    if DEBUG
    else env.required("SECRET_KEY", hint="Set it to a long random text (or set DEBUG=1 on a development machine).")
)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # Simple: the staff pages are loaded with the addresses that lead to them (`csbot.urls`), so only by processes that
    # serve pages. A worker or the scheduler never pays for them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "channels",
    "conversations.apps.ConversationsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "conversations.views.security.ContentSecurityPolicyMiddleware",
]

ROOT_URLCONF = "csbot.urls"
ASGI_APPLICATION = "csbot.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    },
]

# The databases. CONN_MAX_AGE None: a new connection for each piece of work makes an insert nine times dearer.
DATABASE_URL = env.required("DATABASE_URL", hint="`manage.py up` starts a PostgreSQL of its own and sets it.")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=None, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (postgresql://...).")
# The statements of every reply are planned once for each connection; a pooler between may not allow that.
if env.flag("CSBOT_PREPARED_STATEMENTS", default=True):
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 5
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.required("REDIS_URL", hint="`manage.py up` starts a Redis of its own and sets it.")

# Celery. A task only opens a run and hands it to the worker's loop, so it is short; what keeps a reply safe is the
# run's row, not the queue (docs/decisions/0002).
# kombu has its own word for a unix socket.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_QUEUE = "csbot"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that hangs must not hold a customer's message: the scheduler finds what could not be queued.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # No second book in Redis of what was delivered: a task that dies with its worker is found by the scheduler, and the
    # book takes longer to keep than the task.
    "ack_emulation": False,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}

# People.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# Languages and time.
LANGUAGE_CODE = "en"
LANGUAGES = [("th", _("Thai")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "conversations" / "locale"]
FORMAT_MODULE_PATH = ["csbot.formats"]
TIME_ZONE = "Asia/Bangkok"
USE_I18N = True
USE_TZ = True

# Error pages of development would show a provider's key that was posted.
DEFAULT_EXCEPTION_REPORTER_FILTER = "conversations.gateway.secrets.ErrorPageFilter"

# Static files are served by the web process itself (WhiteNoise, before Django: see `csbot.static_files`);
# `collectstatic` is optional.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.text("CSBOT_STATIC_ROOT") or None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Transport. Behind the reverse proxy of docker-compose.yml CSBOT_HTTPS=1; `up` on loopback speaks plain HTTP.
IS_HTTPS = env.flag("CSBOT_HTTPS")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# How many proxies of ours stand in front; 0 = the peer's own address counts and X-Forwarded-For is ignored.
CSBOT_TRUSTED_PROXIES = int(env.number("CSBOT_TRUSTED_PROXIES", default=0))

# csbot's own knobs.
CSBOT_RATE_LIMIT_SCALE = env.number("CSBOT_RATE_LIMIT_SCALE", default=1)
CSBOT_IS_LOOPBACK = env.flag("CSBOT_IS_LOOPBACK")
if CSBOT_RATE_LIMIT_SCALE == 0 and not (DEBUG or CSBOT_IS_LOOPBACK):
    raise ImproperlyConfigured("CSBOT_RATE_LIMIT_SCALE=0 (no limits) needs DEBUG=1 or a server bound to loopback.")
CSBOT_DATABASE_THREADS = int(env.number("CSBOT_DATABASE_THREADS", default=6))
CSBOT_DEMO = env.flag("CSBOT_DEMO")
CSBOT_SIMULATOR_URL = env.text("CSBOT_SIMULATOR_URL")
# Seal the providers' keys in the database: the first seals, the others still open (docs/providers.md).
CSBOT_FIELD_KEYS = env.words("CSBOT_FIELD_KEY")
CSBOT_MAX_MESSAGE_CHARS = int(env.number("CSBOT_MAX_MESSAGE_CHARS", default=2000))
# Whoever reads /metrics from another machine sends it as `Authorization: Bearer ...`; without one only loopback may.
CSBOT_METRICS_TOKEN = env.text("CSBOT_METRICS_TOKEN")
CSBOT_LIVE_RUNS_PER_WORKER = int(env.number("CSBOT_LIVE_RUNS_PER_WORKER", default=110))
# A customer who writes while the first in the queue has waited this long is told that the answer will take longer.
CSBOT_BUSY_QUEUE_SECONDS = env.number("CSBOT_BUSY_QUEUE_SECONDS", default=0.2)

DEEPSEEK_API_KEYS = env.words("DEEPSEEK_API_KEY")
DEEPSEEK_BASE_URL = env.text("DEEPSEEK_BASE_URL", default="https://api.deepseek.com")
DEEPSEEK_MODEL = env.text("DEEPSEEK_MODEL", default="deepseek-flash")
OPENAI_API_KEYS = env.words("OPENAI_API_KEY")
OPENAI_BASE_URL = env.text("OPENAI_BASE_URL", default="https://api.openai.com/v1")
OPENAI_MODEL = env.text("OPENAI_MODEL", default="gpt-4o")

# Deadlines of one attempt at a reply, in seconds: first token by wall clock (keep-alive comments do not count),
# silence between two chunks, and the whole answer.
CSBOT_FIRST_TOKEN_SECONDS = env.number("CSBOT_FIRST_TOKEN_SECONDS", default=8)
CSBOT_BETWEEN_CHUNKS_SECONDS = env.number("CSBOT_BETWEEN_CHUNKS_SECONDS", default=15)
CSBOT_ANSWER_SECONDS = env.number("CSBOT_ANSWER_SECONDS", default=60)
# How long a reply waits for its turn where a provider's limits are used up.
CSBOT_LIMIT_WAIT_SECONDS = env.number("CSBOT_LIMIT_WAIT_SECONDS", default=20)
# How much of a conversation the model is shown, in tokens; older turns are left out whole.
CSBOT_HISTORY_TOKENS = int(env.number("CSBOT_HISTORY_TOKENS", default=2000))
# How long the row of each model call is kept; the sums of its hour stay.
CSBOT_CALL_DAYS = env.number("CSBOT_CALL_DAYS", default=100)
# How long a stopping worker lets its replies finish before it hands them on.
CSBOT_DRAIN_SECONDS = env.number("CSBOT_DRAIN_SECONDS", default=5)
# What turns questions into vectors for known answers: "hashed" (no download), the address of an OpenAI-compatible
# API (https://.../v1), or the folder of a mounted model; see docs/known-answers.md.
CSBOT_EMBEDDINGS = env.text("CSBOT_EMBEDDINGS", default="hashed")
CSBOT_EMBEDDINGS_MODEL = env.text("CSBOT_EMBEDDINGS_MODEL", default="text-embedding-3-small")
CSBOT_EMBEDDINGS_KEY = env.text("CSBOT_EMBEDDINGS_KEY")
# What some models want before a question, such as "query: ".
CSBOT_EMBEDDINGS_PREFIX = env.text("CSBOT_EMBEDDINGS_PREFIX")
# What CSBOT_EMBEDDINGS was before it was changed: serves until the new vectors are made. Not needed for "hashed".
CSBOT_EMBEDDINGS_PREVIOUS = env.text("CSBOT_EMBEDDINGS_PREVIOUS")
CSBOT_EMBEDDINGS_PREVIOUS_MODEL = env.text("CSBOT_EMBEDDINGS_PREVIOUS_MODEL", default=CSBOT_EMBEDDINGS_MODEL)
CSBOT_EMBEDDINGS_PREVIOUS_KEY = env.text("CSBOT_EMBEDDINGS_PREVIOUS_KEY")
CSBOT_EMBEDDINGS_PREVIOUS_PREFIX = env.text("CSBOT_EMBEDDINGS_PREVIOUS_PREFIX")
# How long a customer waits for the bot at peak hour before a person is brought in.
CSBOT_GIVE_UP_SECONDS = env.number("CSBOT_GIVE_UP_SECONDS", default=180)

UNFOLD = UNFOLD_SETTINGS


def is_unexpected(record: logging.LogRecord) -> bool:
    """Say whether a request's failure is worth a line; 503 is what /readyz says on purpose, many times a second."""
    return getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"unexpected": {"()": "django.utils.log.CallbackFilter", "callback": is_unexpected}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["unexpected"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "csbot": {"level": "INFO"},
        "conversations": {"level": "INFO"},
        "celery.worker.strategy": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Scanners send any Host; each would be a traceback in the log.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
