# One image for the API, worker, beat, Flower and the mail sink; the command selects one.
# It uses only features that every builder has, the classic one included.
FROM python:3.13-slim AS packages
WORKDIR /app
COPY bin bin
COPY pyproject.toml requirements*.lock ./
# --build-arg WITHOUT=reports,mail leaves extras out: a smaller image, without their kinds
ARG WITHOUT=
RUN bin/bootstrap runtime --without "$WITHOUT"
# --build-arg TRACING=1 adds OpenTelemetry, which redis-py imports wherever it is installed
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
# /openapi.json shows the version in it
COPY pyproject.toml LICENSE ./
# compile now: the root file system may be read-only at run time
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
# for the API; other commands need their own check (see docker-compose.yml)
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=2)"]
CMD ["python", "-m", "api"]
