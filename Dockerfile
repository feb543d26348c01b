# csbot for servers: web, worker, scheduler and the one-time job are one image with different commands.
# No PostgreSQL and no Redis in it, no compiler, no development tools; runs as an unprivileged user on a read-only disk.

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never PIP_NO_CACHE_DIR=1
RUN pip install "uv>=0.9,<1"
WORKDIR /app
# The packages first: they change less often than our own files.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups
COPY LICENSE manage.py ./
COPY csbot csbot
COPY conversations conversations
COPY templates templates
COPY static static
ENV PATH=/app/.venv/bin:$PATH CSBOT_STATIC_ROOT=/app/collected
# Settings want to know their services; nothing is connected to here.
RUN python -m compileall -q csbot conversations \
    && DATABASE_URL=postgresql://nobody@nowhere/none REDIS_URL=redis://nowhere SECRET_KEY=only-for-this-step \
       python manage.py collectstatic --no-input

FROM python:3.13-slim
RUN groupadd --system --gid 10001 csbot \
    && useradd --system --uid 10001 --gid csbot --no-create-home --home-dir /nonexistent csbot
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=csbot.settings \
    CSBOT_STATIC_ROOT=/app/collected
USER 10001:10001
EXPOSE 8000
# Of the web process; docker-compose.yml has those of the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "csbot.probe", "web"]
CMD ["python", "-m", "csbot.web", "--host", "0.0.0.0", "--port", "8000"]
