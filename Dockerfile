# One image for every part: `handoff api`, `handoff worker`, `handoff migrate`. The locked, hashed
# packages and the five rooms; no compiler, no test, no embedded server.
FROM python:3.11.17-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt /
RUN python -m venv --without-pip /opt/packages \
    && pip --python /opt/packages/bin/python install --require-hashes --no-deps --only-binary :all: \
        --requirement /requirements.txt \
    && /opt/packages/bin/python -m compileall -q /opt/packages/lib

FROM python:3.11.17-slim
RUN groupadd --gid 10001 handoff \
    && useradd --uid 10001 --gid handoff --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin handoff \
    && printf '#!/bin/sh\nexec python -m handoff "$@"\n' > /usr/local/bin/handoff \
    && chmod 0755 /usr/local/bin/handoff
COPY --from=packages /opt/packages /opt/packages
# Not installed as a package: the rooms are an application's, and stand where Python looks first.
ENV PATH=/opt/packages/bin:$PATH \
    PYTHONPATH=/opt/handoff \
    PYTHONUNBUFFERED=1
WORKDIR /opt/handoff
COPY handoff handoff
COPY activities activities
COPY workflows workflows
COPY api api
COPY worker worker
RUN python -m compileall -q .
# Nothing here belongs to the user that runs it, so nothing here can be changed by it.
USER 10001:10001
EXPOSE 8000
# Whether it lives, not whether Temporal does: an API whose engine is down still answers claims,
# and whoever restarts or unroutes it then makes a small outage a large one.
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=4 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["handoff"]
CMD ["api", "--host", "0.0.0.0", "--port", "8000"]
