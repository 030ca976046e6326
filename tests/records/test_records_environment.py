"""Where a run was made."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from importlib import metadata

import pytest

from trainwell.records import CodeVersion, dump_json, environment
from trainwell.records.environment import code_version


def git(folder, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.autocrlf=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit, apart from the user's configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "train.py").write_bytes(b"lr = 1\r\nepochs = 2\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


def test_a_clean_repository_is_its_commit_and_branch(repository):
    commit = git(repository, "rev-parse", "HEAD").decode().strip()
    assert code_version(repository) == CodeVersion(commit=commit, branch="main")


def test_the_dirty_diff_applied_to_the_commit_gives_the_program_that_ran(repository, tmp_path):
    changed = "lr = 3\r\nepochs = 2  # größer\n\n  \n".encode()
    (repository / "train.py").write_bytes(changed)
    git(repository, "add", "train.py")
    (repository / "untracked.py").write_text("pass")
    version = code_version(repository)
    git(tmp_path, "clone", str(repository), "copy")
    (tmp_path / "patch").write_bytes(version.dirty_diff.encode())
    git(tmp_path / "copy", "apply", str(tmp_path / "patch"))
    assert (tmp_path / "copy" / "train.py").read_bytes() == changed
    assert version.dirty
    assert version.diff_sha256 == hashlib.sha256(version.dirty_diff.encode()).hexdigest()


def test_the_diff_is_that_of_git_alone_and_of_the_whole_repository(repository):
    (repository / "train.py").write_text("lr = 9\n")
    (repository / "inner").mkdir()
    plain = code_version(repository)
    git(repository, "config", "color.ui", "always")
    git(repository, "config", "diff.relative", "true")
    git(repository, "config", "diff.external", "false")
    assert code_version(repository / "inner") == plain


def test_a_change_that_is_no_utf8_does_not_stop_a_run(repository):
    (repository / "train.py").write_bytes(b"name = 'caf\xe9'\n")
    version = code_version(repository)
    assert "caf\ufffd" in version.dirty_diff
    json.loads(dump_json(version))


def test_a_huge_diff_is_cut_and_its_hash_is_of_the_whole(repository):
    (repository / "train.py").write_text("x = 1\n" * 100_000)
    version = code_version(repository)
    assert len(version.dirty_diff) == 200_000
    assert version.diff_sha256 == hashlib.sha256(git(repository, "diff", "HEAD")).hexdigest()


def test_without_a_repository_or_a_commit_the_version_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_version(tmp_path) == CodeVersion()
    git(tmp_path, "init")
    assert code_version(tmp_path) == CodeVersion()


def test_a_machine_without_git_still_has_an_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_version(tmp_path) == CodeVersion()


def test_the_environment_names_python_packages_and_hardware():
    here = environment()
    assert here.python == platform.python_version()
    assert here.packages["pydantic"] == metadata.version("pydantic")
    assert here.cores >= 1
    assert environment() is here
    json.loads(dump_json(here))
