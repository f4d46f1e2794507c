"""Imports go one way, torch stays out of the web process, flask in its folder, the environment in the settings."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ["durable", "console", "charrnn", "model_store", "service"]
BELOW_THE_API = {
    *("durable", "charrnn", "model_store", "service.generation", "service.pictures"),
    *(f"service.training.{name}" for name in ("corpora", "records", "jobs", "queue")),
    *(f"service.training.{name}" for name in ("curves", "errors", "evaluation", "excerpts", "gradients", "units")),
    *(f"service.{name}" for name in ("browser_headers", "keys", "logs", "redis_servers", "settings")),
}
ROOMS_OF_THE_API = {
    "schemas": {"schemas"},
    "http": {"schemas", "http"},
    "openapi": {"schemas", "http", "openapi"},
    "pages": {"schemas", "http", "openapi", "pages"},
    "routes": {"schemas", "http", "openapi"},
}
BELOW_TRAINING = {"durable", "charrnn", "model_store", "service.redis_servers", "service.training.errors"}
ROOMS_OF_TRAINING = {
    "corpora": {"corpora"},
    "records": {"corpora", "records"},
    "jobs": {"records", "jobs"},
    "queue": {"corpora", "records", "jobs", "queue"},
    "worker": {"corpora", "records", "jobs", "queue", "worker", "evaluation", "excerpts", "units"},
}
BELOW_THE_ENGINES = {
    *("durable", "charrnn.checkpoint", "charrnn.config", "charrnn.following", "charrnn.sampling", "charrnn.vocabulary"),
    *("charrnn.ngrams", "charrnn.patterns.automaton"),
    *("charrnn.engine.base", "charrnn.engine.refilled", "charrnn.engine.sequences", "charrnn.engine.steering"),
    *("charrnn.engine.fitting", "charrnn.engine.tree"),
}
LAYERS = {
    "durable": {"durable"},
    "console": {"console"},
    "charrnn": {"durable", "charrnn"},
    "charrnn/patterns": {"charrnn.following", "charrnn.patterns", "charrnn.sampling", "charrnn.vocabulary"},
    "charrnn/engine/base.py": BELOW_THE_ENGINES,
    "charrnn/engine/sequences.py": BELOW_THE_ENGINES,
    "charrnn/engine/refilled.py": BELOW_THE_ENGINES,
    "charrnn/engine/tree.py": BELOW_THE_ENGINES,
    "charrnn/engine/cpu": BELOW_THE_ENGINES | {"charrnn.engine.cpu"},
    "charrnn/engine/gpu": BELOW_THE_ENGINES | {"charrnn.engine.gpu", "charrnn.torch_threads"},
    "model_store": {"durable", "console", "charrnn", "model_store"},
    "service/generation": {"durable", "charrnn", "model_store", "service.generation", "service.redis_servers"},
    "service/generation/scheduling": {
        *("charrnn.engine.base", "service.generation.errors", "service.generation.cancellation"),
        "service.generation.scheduling",
    },
    "service/pictures": {"service.pictures"},
    "service/training": {
        *("durable", "charrnn", "model_store", "service.training", "service.pictures", "service.redis_servers"),
    },
    **{
        f"service/training/{room}": BELOW_TRAINING | {f"service.training.{each}" for each in below}
        for room, below in ROOMS_OF_TRAINING.items()
    },
    "service/redis_servers": {"service.redis_servers"},
    "service/keys": {"durable", "service.data_dir", "service.keys", "service.settings"},
    "service/api": {*BELOW_THE_API, "service.api"},
    **{
        f"service/api/{room}": BELOW_THE_API | {f"service.api.{each}" for each in below}
        for room, below in ROOMS_OF_THE_API.items()
    },
    "service/processes/web_server": {"service.browser_headers", "service.processes.web_server", "service.settings"},
    "service/backup": {
        *("durable", "model_store", "service.training.corpora", "service.training.jobs", "service.keys"),
        *("service.backup", "service.data_dir", "service.data_format"),
    },
    "service/mirror": {"durable", "service.mirror"},
    "service/migration": {
        *("durable", "model_store", "service.training", "service.keys", "service.migration"),
        *("service.data_dir", "service.data_format", "service.store_format"),
    },
    "service/client.py": set(),
    "service/inspection.py": {"durable", "model_store", "service.training"},
}
TORCH = (
    "charrnn/model.py",
    "charrnn/initial.py",
    "charrnn/tied_output.py",
    "charrnn/vanilla.py",
    "charrnn/torch_threads.py",
    "charrnn/training/",
    "charrnn/engine/gpu/",
    "service/training/worker/",
)


def modules(folder: str = "") -> list[Path]:
    if folder.endswith(".py"):
        return [ROOT / folder]
    folders = [folder] if folder else OURS
    return [path for each in folders for path in sorted((ROOT / each).rglob("*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_go_one_way(folder: str) -> None:
    for path in modules(folder):
        ours = {name for name in imported(path) if name.split(".")[0] in OURS}
        allowed = LAYERS[folder]
        outside = {name for name in ours if not any(name == a or name.startswith(f"{a}.") for a in allowed)}
        assert not outside, path


def test_no_import_hides_in_a_function() -> None:
    for path in modules():
        functions = (n for n in ast.walk(parsed(path)) if isinstance(n, ast.FunctionDef))
        inside = [n for each in functions for n in ast.walk(each) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert not inside, path


def test_besides_the_settings_few_modules_use_the_environment() -> None:
    reading = {str(p.relative_to(ROOT)) for p in modules() if re.search(r"os\.(environ|getenv)", p.read_text("utf-8"))}
    assert reading == {
        "charrnn/engine/cpu/code.py",  # writes, for numba in the process that compiles
        "durable/s3_clients.py",  # the AWS_* variables, which every client of S3 reads
        "model_store/__main__.py",  # a tool of its own, below the service; it looks for the service's models
        "service/api/http/shared_metrics.py",  # what gunicorn hands to prometheus_client
        "service/settings.py",  # which files hold secrets
        "service/commands/here.py",  # writes, for torch's threads
    }


def test_only_what_trains_and_the_torch_engines_import_torch() -> None:
    bringing = ("torch", "charrnn.engine.gpu", "charrnn.torch_threads")
    found = {
        str(path.relative_to(ROOT))
        for path in modules()
        if any(name == each or name.startswith(f"{each}.") for name in imported(path) for each in bringing)
    }
    assert {path for path in found if not path.startswith(TORCH)} == set()


def test_only_an_s3_url_loads_the_s3_library() -> None:
    """`durable.opening` does, by name."""
    s3 = {
        path: any(f"{name}.".startswith(("obstore.", "durable.s3_")) for name in imported(path)) for path in modules()
    }
    assert {path.name for path, found in s3.items() if found} == {
        path.name for path in s3 if path.match("durable/s3_*")
    }


def test_only_the_api_and_the_type_of_its_application_import_flask() -> None:
    found = {str(path.relative_to(ROOT)) for path in modules() if "flask" in imported(path)}
    assert {path for path in found if not path.startswith("service/api/")} <= {
        "service/bootstrap/web_process.py",
    }


def test_what_requests_and_replies_look_like_needs_no_flask() -> None:
    assert not any("flask" in imported(path) for path in modules("service/api/schemas"))


def test_a_web_process_starts_without_torch_and_without_what_only_a_shared_store_needs(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, service.processes.web, service.generation.engines as engines;"
        "engines.build_engine('cpu', pathlib.Path('packed'), pathlib.Path('kernels'));"
        "print(*sorted(m for m in ('torch', 'dramatiq.worker', 'obstore') if m in sys.modules))"
    )
    environment = os.environ | {"DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert not {"torch", "obstore"} & set(done.stdout.split())
