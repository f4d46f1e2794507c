"""LitServe with its batching around the usual loop: requests that arrive together are generated together."""

from __future__ import annotations

import os
from typing import Any

import litserve

from benchmarks.servers.usual import Usual


class Generate(litserve.LitAPI):  # type: ignore[misc]
    """The whole of what a LitServe user writes."""

    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe says how it is called)
        """In each worker process."""
        self.usual = Usual()

    def predict(self, inputs: list[dict[str, Any]]) -> list[dict[str, str]]:
        """A batch; the benchmark's requests have one prompt, length and temperature, so that none is padded."""
        first = inputs[0]
        prompts = [body["prompt"] for body in inputs]
        texts = self.usual.generate(prompts, first["length"], first["temperature"])
        return [{"text": text} for text in texts]


if __name__ == "__main__":
    api = Generate(max_batch_size=64, batch_timeout=0.005, api_path="/generate")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
