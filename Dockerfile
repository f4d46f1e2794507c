# One image for every process. On its own it runs all of them (`python -m service`, with the embedded Redis server);
# docker-compose.yml runs the web processes and the worker apart.

FROM python:3.11-slim AS build
# Where torch alone is taken from; empty: the usual index, whose build brings several GB of CUDA. The CPU index address
# that pytorch.org's "Get started" selector shows gives the small build.
ARG TORCH_INDEX_URL=""
# cuda: always the build with CUDA, for GPUs; empty: the one for CPUs, where it can be had.
ARG TORCH=""
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements requirements
RUN requirements/install.sh python

FROM python:3.11-slim
# Whoever runs it has the group 0, whatever the user id (OpenShift chooses one).
RUN install -d -m 770 -o 10001 -g 0 /data /data/models /data/corpora /data/runs
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
# With USER set, nothing looks for the user's name.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/data USER=app OMP_WAIT_POLICY=passive
COPY charrnn charrnn
COPY console console
COPY durable durable
# Kernels for processors with AVX2 or AVX-512 VNNI, so that a new machine need not compile them. Others compile theirs
# at the first start, and keep them in the home folder's .cache.
RUN python -m charrnn.engine.cpu.ahead_of_time
COPY model_store model_store
COPY service service
RUN chmod -R a+rX,go-w .
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
USER 10001:0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
CMD ["python", "-m", "service"]
