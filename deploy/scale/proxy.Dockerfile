# nginx in front of two web containers: the site of deploy/nginx.conf, with their names.
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*
COPY scale/proxy.conf nginx.conf /etc/nginx/
# Passive health checks: a container that five requests in a row could not use gets none for two seconds, so that one that
# cannot be reached does not cost each request the time to connect.
RUN mv /etc/nginx/proxy.conf /etc/nginx/main.conf \
    && sed -e 's/127.0.0.1:8001 max_fails=0/web1:8000 max_fails=5 fail_timeout=2s/' \
        -e 's/127.0.0.1:8002 max_fails=0/web2:8000 max_fails=5 fail_timeout=2s/' \
        -e 's/listen 127.0.0.1:8080/listen 8080/' /etc/nginx/nginx.conf > /etc/nginx/site.conf
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGQUIT
CMD ["nginx", "-c", "/etc/nginx/main.conf"]
