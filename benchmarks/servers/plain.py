"""The simplest server: a Flask app around the usual loop."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request

from benchmarks.servers.usual import Usual

app = Flask(__name__)
usual = Usual()


@app.post("/generate")
def generate() -> Response:
    """One text a request."""
    body = request.get_json()
    return jsonify(text=usual.generate([body["prompt"]], body["length"], body["temperature"])[0])
