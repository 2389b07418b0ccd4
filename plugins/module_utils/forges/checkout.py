"""Get a commit of a repository into a workspace, with git, safely.

git is always given argument lists with `--` before operands; hooks are off, transports limited,
nothing asks on a terminal. A commit need not be the head of anything: what the server still has
and gives is found.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from ..core.errors import InvalidInput, NotFound, Timeout, Unavailable
from .repository import Repository, Transport

GIT_TIMEOUT = 600
FULL_COMMIT = 40
_LOOK_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """How a workspace is to be filled. `depth` 0 is the whole history."""

    commit: str
    depth: int = 0
    submodules: bool = False
    lfs: bool = False
    paths: tuple[str, ...] = ()


def never() -> bool:
    return False


@dataclasses.dataclass(frozen=True, slots=True)
class Git:
    """git with an environment; `environment` adds to the least that it needs.

    `given_up` is asked while git runs: once it says yes, git is ended.
    """

    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    transports: str = "https:ssh:file"
    given_up: Callable[[], bool] = never

    def __call__(
        self, *arguments: str, cwd: pathlib.Path | None = None, timeout: float = GIT_TIMEOUT
    ) -> str:
        """Its output, stripped; Unavailable with git's last line where it fails."""
        output = self.read(*arguments, cwd=cwd, timeout=timeout)
        return output.decode(errors="surrogateescape").strip()

    def read(
        self, *arguments: str, cwd: pathlib.Path | None = None, timeout: float = GIT_TIMEOUT
    ) -> bytes:
        """Its output as it is; Unavailable with git's last line where it fails."""
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
        command += ["-c", "protocol.ext.allow=never", *arguments]
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Unavailable("git is not installed on this host") from error
        output, complaint = self._follow(process, arguments[0], time.monotonic() + timeout)
        if process.returncode != 0:
            raise Unavailable(f"git {arguments[0]}: {last_line(complaint)}")
        return output

    def _follow(
        self, process: subprocess.Popen[bytes], verb: str, deadline: float
    ) -> tuple[bytes, bytes]:
        while True:
            try:
                return process.communicate(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                late = time.monotonic() >= deadline
                if late or self.given_up():
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
                    why = "it took too long" if late else "it is no longer wanted"
                    raise Timeout(f"git {verb} was ended: {why}") from None

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "TMPDIR")
        proxies = tuple(f"{name}_proxy" for name in ("http", "https", "no", "all"))
        authorities = ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
        names = (*kept, *proxies, *(name.upper() for name in proxies), *authorities)
        inherited = {name: os.environ[name] for name in names if name in os.environ}
        return {
            **inherited,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self.transports,
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            "LC_ALL": "C",
            **self.environment,
        }


def last_line(output: bytes) -> str:
    """The line of git's complaint that says most: the last fatal one, else the last.

    That ssh ended is known by git, but why is in the line before, which is ssh's own.
    """
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    for before, line in itertools.pairwise(lines):
        if line.startswith("fatal: Could not read from remote repository"):
            return before
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (telling or lines or ["it failed and said nothing"])[-1]


def resolve(git: Git, source: Repository, *, commit: str, branch: str, tag: str) -> str:
    """The full commit that is meant, of what is given in this order: commit, tag, branch, HEAD.

    A short commit of a repository elsewhere is taken as it is: only a fetch can complete it.
    Raises InvalidInput where the repository has no such commit, branch or tag.
    """
    if source.transport is Transport.FILE:
        name = commit or (f"refs/tags/{tag}" if tag else f"refs/heads/{branch}" if branch else "")
        try:
            return git(
                "rev-parse", "--verify", "--quiet", f"{name or 'HEAD'}^{{commit}}", cwd=source.path
            )
        except Unavailable as error:
            raise _unknown(git, source, commit, branch, tag, str(error)) from error
    if commit:
        return commit
    wanted = f"refs/tags/{tag}" if tag else f"refs/heads/{branch}" if branch else "HEAD"
    listed = git("ls-remote", "--", source.url, wanted, f"{wanted}^{{}}")
    found: dict[str, str] = {}
    for line in listed.splitlines():
        digest, _tab, name = line.partition("\t")
        found[name] = digest
    if wanted not in found:
        raise InvalidInput(f"{source.url} has no {wanted.removeprefix('refs/')}")
    return found.get(f"{wanted}^{{}}", found[wanted])


def _unknown(
    git: Git, source: Repository, commit: str, branch: str, tag: str, why: str
) -> InvalidInput:
    if "dubious ownership" in why:
        return InvalidInput(
            f"{source.url} belongs to another user; git refuses it until you run"
            f" 'git config --global --add safe.directory {source.url}'"
        )
    try:
        git("rev-parse", "--git-dir", cwd=source.path)
    except Unavailable as error:
        return InvalidInput(f"{source.url}: {error}")
    what = f"commit {commit}" if commit else f"tag {tag!r}" if tag else f"branch {branch!r}"
    if not (commit or tag or branch):
        return InvalidInput(f"{source.url} has no commit yet; commit something first")
    return InvalidInput(f"{source.url} has no {what}")


def mirror(git: Git, source: Repository, folder: pathlib.Path, wanted: Wanted) -> pathlib.Path:
    """A bare copy of a repository elsewhere, complete enough for `wanted`; its folder.

    One on this host needs no copy. Raises NotFound where the server does not have the commit.
    """
    if source.transport is Transport.FILE:
        return source.path
    git("init", "--quiet", "--bare", "--", str(folder))
    _fetch(git, source, folder, wanted, "refs/heads")
    return folder


def clone(git: Git, source: Repository, workspace: pathlib.Path, wanted: Wanted) -> None:
    """Put the commit into `workspace` (an empty folder) straight from the repository.

    Where the server can filter, the contents of other commits' files are left there until they
    are asked for. Raises NotFound where the server does not have the commit.
    """
    git("init", "--quiet", "--", str(workspace))
    git("remote", "add", "origin", source.url, cwd=workspace)
    git("config", "remote.origin.promisor", "true", cwd=workspace)
    git("config", "remote.origin.partialclonefilter", "blob:none", cwd=workspace)
    _fetch(git, source, workspace, wanted, "refs/remotes/origin", "--filter=blob:none")
    _check_out(git, workspace, wanted)


def fill(
    git: Git, copy: pathlib.Path, source: Repository, workspace: pathlib.Path, wanted: Wanted
) -> None:
    """Put the commit into `workspace` (an empty folder) out of `copy`, with its tags."""
    if wanted.depth:
        git("init", "--quiet", "--", str(workspace))
        git(
            "fetch", "--quiet", f"--depth={wanted.depth}",
            "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack",
            "--", copy.as_uri(), wanted.commit, cwd=workspace,
        )  # fmt: skip
        git("remote", "add", "origin", source.url, cwd=workspace)
    else:
        # Hard links would let a step change the files of the repository it came from.
        git("clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", str(copy), str(workspace))
        if str(copy) != source.url:
            git("remote", "set-url", "origin", source.url, cwd=workspace)
    _check_out(git, workspace, wanted)


def _fetch(
    git: Git, source: Repository, folder: pathlib.Path, wanted: Wanted, heads: str, *options: str
) -> None:
    """Fetch what `wanted` needs: one commit where a depth is given, else everything."""
    if wanted.depth and len(wanted.commit) >= FULL_COMMIT:
        shallow = (f"--depth={wanted.depth}", "--no-tags", *options)
        try:
            git("fetch", "--quiet", *shallow, "--", source.url, wanted.commit, cwd=folder)
            return
        except Unavailable as error:
            # A server that gives no single commits gives its branches; any other fault stays.
            if "not our ref" not in str(error) and "unadvertised" not in str(error):
                raise
    refs = (f"+refs/heads/*:{heads}/*", "+refs/tags/*:refs/tags/*")
    git("fetch", "--quiet", "--no-tags", *options, "--", source.url, *refs, cwd=folder)
    if not _has(git, folder, wanted.commit):
        try:
            git("fetch", "--quiet", "--no-tags", *options, "--", source.url, wanted.commit,
                cwd=folder)  # fmt: skip
        except Unavailable as error:
            raise NotFound(
                f"commit {wanted.commit} is in no branch or tag of {source.url};"
                " was it force-pushed away?"
            ) from error


def _has(git: Git, folder: pathlib.Path, commit: str) -> bool:
    try:
        git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", cwd=folder)
    except Unavailable:
        return False
    return True


def _check_out(git: Git, workspace: pathlib.Path, wanted: Wanted) -> None:
    if wanted.paths:
        git("sparse-checkout", "set", "--no-cone", "--", *wanted.paths, cwd=workspace)
    git("checkout", "--quiet", "--detach", wanted.commit, cwd=workspace)
    if wanted.submodules:
        git("submodule", "--quiet", "update", "--init", "--recursive", cwd=workspace)
    if wanted.lfs:
        git("lfs", "pull", cwd=workspace)


def changed_paths(git: Git, folder: pathlib.Path, commit: str) -> tuple[str, ...] | None:
    """The files that a commit changed against its first parent; None where that is unknown."""
    try:
        listed = git("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", "-m",
                     "--first-parent", commit, cwd=folder)  # fmt: skip
    except Unavailable:
        return None
    return tuple(path for path in listed.split("\0") if path)


def message_of(git: Git, folder: pathlib.Path, commit: str) -> tuple[str, str]:
    """Author and subject of a commit."""
    author, _newline, subject = git(
        "show", "--no-patch", "--format=%an <%ae>%n%s", commit, cwd=folder
    ).partition("\n")
    return author, subject
