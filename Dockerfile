# One image for the API, worker, beat, Flower and the mail sink: the command tells them apart.
# Plain on purpose: any builder builds it, the classic one included.
FROM python:3.13-slim AS packages
WORKDIR /app
COPY bin bin
COPY pyproject.toml requirements-runtime.lock requirements-tracing.lock ./
RUN bin/bootstrap runtime
# --build-arg TRACING=1: with OpenTelemetry, which redis-py imports wherever it is
ARG TRACING=
RUN test -z "$TRACING" || bin/bootstrap uv pip install --python .venv/bin/python --require-hashes -r requirements-tracing.lock

FROM python:3.13-slim
RUN groupadd --gid 10001 continuo \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin continuo \
    && install -d -o continuo -g continuo -m 0750 /data
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY project project
COPY tasks tasks
COPY api api
# its version is what /openapi.json says
COPY pyproject.toml .
# the root file system may be read-only: byte code is written now or never
RUN /app/.venv/bin/python -m compileall -q project tasks api
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data
USER 10001:10001
EXPOSE 8000 8001 5555
STOPSIGNAL SIGTERM
# of the API; whoever runs another command brings another check (docker-compose.yml does)
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=2)"]
CMD ["python", "-m", "api"]
