"""The floor: Flask routes that take and give JSON of the same size and do nothing, or one Redis GET."""

from __future__ import annotations

import os

import redis
from flask import Flask, Response, jsonify, request

TEXT = "x" * 100

app = Flask(__name__)
client = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.post("/plain")
def plain() -> Response:
    """Nothing but JSON in and out."""
    return jsonify(text=TEXT, length=request.get_json()["length"])


@app.post("/get")
def get() -> Response:
    """The same with one value out of Redis."""
    found = client.get("charrnn:benchmark")
    return jsonify(text=TEXT if found is None else str(found), length=request.get_json()["length"])
