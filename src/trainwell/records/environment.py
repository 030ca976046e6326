"""Where and with what a run was made: code version, packages, hardware."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "trainwell", "safetensors", "pydantic")


@dataclass(frozen=True)
class CodeVersion:
    """State of the git repository that the program was started in; empty outside one.

    `dirty_diff` holds uncommitted changes of tracked files, as `git apply` reads them, cut at 200,000 characters.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    dirty_diff: str = ""
    diff_sha256: str = ""


@dataclass(frozen=True)
class Environment:
    """Enough to repeat a run elsewhere, or to see why it differs."""

    python: str = ""
    platform: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    cpu: str = ""
    cores: int = 0
    command: tuple[str, ...] = ()
    code: CodeVersion = field(default_factory=CodeVersion)
    accelerator: str = ""


@functools.cache
def environment() -> Environment:
    """Look at this process's environment; once per process."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=_versions(),
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        command=tuple(sys.argv),
        code=code_version(Path.cwd()),
    )


def code_version(folder: Path) -> CodeVersion:
    """Read commit, branch and uncommitted changes of the repository around a folder."""
    commit = _git(folder, "rev-parse", "HEAD").strip()
    if not commit:
        return CodeVersion()
    diff = _git(folder, "diff", "HEAD", "--no-ext-diff", "--no-color", "--no-relative")
    return CodeVersion(
        commit=commit.decode(),
        branch=_git(folder, "rev-parse", "--abbrev-ref", "HEAD").decode(errors="replace").strip(),
        dirty=bool(diff),
        dirty_diff=diff.decode(errors="replace")[:200_000],
        diff_sha256=hashlib.sha256(diff).hexdigest() if diff else "",
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
