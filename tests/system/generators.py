"""`make generators`: what two code generators make of the document, without a flag, and a text from each client."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import which

from tests.system.running import Service
from tests.waiting import until

BIN = Path(sys.executable).parent
CALLS = {
    "openapi_client": """
import openapi_client
api = openapi_client.GenerationApi(openapi_client.ApiClient(openapi_client.Configuration(host={url!r})))
print(api.generate(openapi_client.GenerateBody(prompt="ROMEO:", length=40, seed=7)).text)
""",
    "client": """
from client import Client
from client.api.generation import generate
from client.models import GenerateBody
body = GenerateBody(prompt="ROMEO:", length=40, seed=7)
print(generate.sync(client=Client(base_url={url!r}), body=body).text)
""",
}


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = Service(folder / "data", folder / "log", LOG_LEVEL="warning")
        try:
            until(lambda: service.answers("/readyz"))
            url = f"http://127.0.0.1:{service.port}"
            wanted = str(service.request("/generate", {"prompt": "ROMEO:", "length": 40, "seed": 7})["text"])
            made = _openapi_generator(url, folder) if which("java") else None
            texts = {"openapi-python-client": _call(_python_client(url, folder), "client", url)}
            texts |= {"openapi-generator": _call(made, "openapi_client", url)} if made else {}
        finally:
            service.end()
    for generator, text in texts.items():
        print(f"{generator}: {'the same text' if text == wanted else f'another text: {text!r}'}")
    if made is None:
        print("openapi-generator: left out, since there is no java")
    return int(any(text != wanted for text in texts.values()))


def _openapi_generator(url: str, folder: Path) -> Path:
    target = folder / "java"
    _run(BIN / "openapi-generator-cli", "generate", "-i", f"{url}/openapi.json", "-g", "python", "-o", str(target))
    return target


def _python_client(url: str, folder: Path) -> Path:
    target = folder / "python" / "client"
    target.parent.mkdir()
    command = ["generate", "--url", f"{url}/openapi.json", "--meta", "none", "--output-path", str(target)]
    _run(BIN / "openapi-python-client", *command)
    return target.parent


def _run(command: Path, *arguments: str) -> None:
    """What a generator prints is shown when it fails."""
    done = subprocess.run([command, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command.name}: {done.stdout}{done.stderr}")


def _call(folder: Path, package: str, url: str) -> str:
    program = CALLS[package].format(url=url)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout[:-1]


if __name__ == "__main__":
    sys.exit(main())
