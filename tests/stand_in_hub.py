"""A Hub on loopback for the real client: repositories, commits, large files, ranges, refusals.

It speaks what ``huggingface_hub`` 2.4 asks for. Large files go and come by an address of another
host name, as they do on the real Hub, and tokens must not be sent there.
"""

import base64
import hashlib
import http.server
import json
import re
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from pdd_cli.assets.hub_rules import broken_rules

TOKEN = "hf_" + "x" * 34
USER = "somebody"

_LARGE_SUFFIXES = (".safetensors", ".pth", ".bin", ".zip")
_LARGE = 10_000_000


@dataclass
class Repository:
    """A repository with its branches and commits."""

    private: bool = False
    gated: bool = False
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    pull_requests: int = 0

    def commit(self, branch: str, files: dict[str, bytes], message: str) -> str:
        parent = self.commits.get(self.branches.get(branch, ""), {})
        tree = {**parent, **files}
        listing = "".join(f"{name} {digest(data)}\n" for name, data in sorted(tree.items()))
        oid = hashlib.sha1(f"{len(self.commits)} {listing}".encode()).hexdigest()
        self.commits[oid], self.branches[branch] = tree, oid
        self.messages.append(message)
        return oid

    def resolve(self, revision: str) -> str | None:
        oid = self.branches.get(revision, revision)
        return oid if oid in self.commits else None


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class StandInHub:
    """The server's state, and its addresses once it runs."""

    def __init__(self, part_size: int | None = None) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        """Method, path and range of every request."""
        self.served = 0
        """Bytes that left by the address for large files."""
        self.token_went_astray = False
        self.serves_ranges = True
        self.part_size = part_size
        self.parts: dict[str, dict[int, bytes]] = {}

    def add(self, name: str, files: dict[str, bytes], **kind: bool) -> str:
        """Put a repository there without a push; its commit."""
        repository = self.repositories.setdefault(name, Repository(**kind))
        self.large.update({digest(data): data for data in files.values()})
        return repository.commit("main", files, "added")

    def __enter__(self) -> "StandInHub":
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.store = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def do_GET(self):
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 — the standard library's names

    def _serve(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self._chunked()
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        path = unquote(parts.path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        authorization = self.headers.get("Authorization")
        self.logged_in = authorization == f"Bearer {TOKEN}"
        if self.headers["Host"].startswith("localhost"):
            self.hub.token_went_astray |= authorization is not None
        elif authorization is not None and not self.logged_in:
            message = "Invalid credentials in Authorization header"
            self._answer(401, {"error": message}, {"X-Error-Message": message})
            return
        for method, pattern, serve in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method:
                serve(self, **match.groupdict())
                return
        self._answer(404, {"error": f"the stand-in knows no {self.command} {path}"})

    def _chunked(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status, content=b"", headers=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        given = {"Content-Length": str(len(data)), "Content-Type": "application/json"}
        for name, value in {**given, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, status, code, message):
        self._answer(status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message})

    def _repository(self, name, *, content=False):
        """Find a repository that the asker may see, or refuse."""
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self.logged_in):
            status = 404 if self.logged_in else 401
            self._refuse(status, "RepoNotFound", "Repository not found")
            return None
        if content and repository.gated:
            status = 403 if self.logged_in else 401
            self._refuse(status, "GatedRepo", f"Access to model {name} is restricted.")
            return None
        return repository

    def _tree(self, repository, revision):
        oid = repository.resolve(revision)
        if oid is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked['organization'] or USER}/{asked['name']}"
        if not self.logged_in:
            self._answer(401, {"error": "Unauthorized"})
        elif asked["organization"] not in (None, USER):
            self._answer(403, {"error": "You don't have the rights to create a model here"})
        elif name in self.hub.repositories:
            url = f"{self.hub.address}/{name}"
            self._answer(409, {"error": "You already created this model repo", "url": url})
        else:
            private = asked.get("visibility") == "private" or asked.get("private", False)
            self.hub.repositories[name] = Repository(private=private)
            self.hub.repositories[name].commit("main", {".gitattributes": b""}, "initial commit")
            self._answer(200, {"url": f"{self.hub.address}/{name}", "name": name})

    def info(self, name, revision="main"):
        repository = self._repository(name)
        if repository is None or (oid := self._tree(repository, revision)) is None:
            return
        files = [_told(file, data) for file, data in sorted(repository.commits[oid].items())]
        told = {"id": name, "sha": oid, "private": repository.private, "siblings": files}
        self._answer(200, {**told, "gated": "manual" if repository.gated else False})

    def branch(self, name, branch):
        repository = self._repository(name)
        if repository is None:
            return
        if branch in repository.branches:
            self._answer(409, {"error": "Reference already exists"})
            return
        repository.branches[branch] = repository.branches["main"]
        self._answer(200, {})

    def validate(self):
        content = json.loads(self.body)["content"]
        front_matter = yaml.safe_load(content.split("---")[1])
        errors = [{"message": rule} for rule in broken_rules(front_matter)]
        self._answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def preupload(self, name, revision):
        repository = self._repository(name)
        if repository is None:
            return
        if not self.logged_in:
            self._answer(401, {"error": "Unauthorized"})
            return
        present = repository.commits.get(repository.resolve(revision) or "", {})
        files = []
        for file in json.loads(self.body)["files"]:
            path = file["path"]
            large = path.endswith(_LARGE_SUFFIXES) or file["size"] > _LARGE
            known = {"oid": _remote_oid(present[path], large)} if path in present else {}
            mode = "lfs" if large else "regular"
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, **known})
        self._answer(200, {"files": files})

    def batch(self, name):
        if self._repository(name) is None:
            return
        objects = []
        for asked in json.loads(self.body)["objects"]:
            oid, size = asked["oid"], asked["size"]
            if oid in self.hub.large:
                objects.append(asked)
                continue
            upload = {"href": f"{self.hub.store}/upload/{oid}?Signature=secret"}
            if self.hub.part_size and size > self.hub.part_size:
                numbers = range(1, -(-size // self.hub.part_size) + 1)
                header = {
                    f"{n:05}": f"{self.hub.store}/part/{oid}/{n}?Signature=secret" for n in numbers
                }
                upload["header"] = {"chunk_size": str(self.hub.part_size), **header}
                upload["href"] = f"{self.hub.address}/complete/{oid}"
            verify = {"href": f"{self.hub.address}/{name}.git/info/lfs/objects/verify"}
            objects.append({**asked, "actions": {"upload": upload, "verify": verify}})
        transfer = "multipart" if self.hub.part_size else "basic"
        self._answer(200, {"transfer": transfer, "objects": objects})

    def upload(self, oid):
        self._keep(oid, self.body)

    def part(self, oid, number):
        self.hub.parts.setdefault(oid, {})[int(number)] = self.body
        self._answer(200, headers={"ETag": f'"{digest(self.body)}"'})

    def complete(self, oid):
        parts = self.hub.parts.pop(oid)
        told = {part["partNumber"]: part["etag"] for part in json.loads(self.body)["parts"]}
        assert told == {number: f'"{digest(data)}"' for number, data in parts.items()}
        self._keep(oid, b"".join(data for _, data in sorted(parts.items())))

    def _keep(self, oid, data):
        if digest(data) != oid:
            self._answer(400, {"error": "the content is not what was announced"})
            return
        self.hub.large[oid] = data
        self._answer(200)

    def verify(self, name):
        asked = json.loads(self.body)
        there = len(self.hub.large.get(asked["oid"], b"")) == asked["size"]
        self._answer(200 if there and self._repository(name) else 404, {})

    def commit(self, name, revision):
        repository = self._repository(name)
        if repository is None:
            return
        lines = [json.loads(line) for line in self.body.splitlines()]
        files = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
        branch, pull_request = revision, None
        if self.query.get("create_pr"):
            repository.pull_requests += 1
            branch = f"refs/pr/{repository.pull_requests}"
            repository.branches[branch] = repository.branches[revision]
            pull_request = f"{self.hub.address}/{name}/discussions/{repository.pull_requests}"
        oid = repository.commit(branch, files, lines[0]["value"]["summary"])
        told = {"commitUrl": f"{self.hub.address}/{name}/commit/{oid}", "commitOid": oid}
        self._answer(200, {**told, "pullRequestUrl": pull_request})

    def file(self, name, revision, path):
        repository = self._repository(name, content=True)
        if repository is None or (oid := self._tree(repository, revision)) is None:
            return
        headers = {"X-Repo-Commit": oid}
        if path not in repository.commits[oid]:
            missing = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            self._answer(404, b"", {**headers, **missing})
            return
        data = repository.commits[oid][path]
        if path.endswith(_LARGE_SUFFIXES):
            sha256 = digest(data)
            place = {"Location": f"{self.hub.store}/stored/{sha256}?Signature=secret"}
            linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
            self._answer(302, b"", {**headers, **linked, **place})
            return
        self._answer(200, data, {**headers, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'})

    def stored(self, sha256):
        data, asked = self.hub.large[sha256], self.headers.get("Range")
        if asked is None or not self.hub.serves_ranges:
            self.hub.served += len(data)
            self._answer(200, data)
            return
        first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        self.hub.served += len(part)
        place = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}
        self._answer(206, part, place)


def _told(name: str, data: bytes) -> dict[str, object]:
    """Tell about a file as the Hub does when it is asked for the files' metadata."""
    if not name.endswith(_LARGE_SUFFIXES):
        return {"rfilename": name, "size": len(data)}
    pointer = {"size": len(data), "sha256": digest(data), "pointerSize": 130}
    return {"rfilename": name, "size": len(data), "lfs": pointer}


def _remote_oid(data: bytes, large: bool) -> str:
    if large:
        return digest(data)
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


_NAME = r"(?P<name>[\w.\-]+/[\w.\-]+)"
_ROUTES = [
    (("POST",), "/api/repos/create", _Handler.create),
    (("POST",), "/api/validate-yaml", _Handler.validate),
    (("GET",), f"/api/(?:models|datasets)/{_NAME}", _Handler.info),
    (("GET",), f"/api/(?:models|datasets)/{_NAME}/revision/(?P<revision>.+)", _Handler.info),
    (("POST",), f"/api/models/{_NAME}/branch/(?P<branch>.+)", _Handler.branch),
    (("POST",), f"/api/models/{_NAME}/preupload/(?P<revision>.+)", _Handler.preupload),
    (("POST",), f"/api/models/{_NAME}/commit/(?P<revision>.+)", _Handler.commit),
    (("POST",), f"/{_NAME}\\.git/info/lfs/objects/batch", _Handler.batch),
    (("POST",), f"/{_NAME}\\.git/info/lfs/objects/verify", _Handler.verify),
    (("PUT",), "/upload/(?P<oid>[0-9a-f]+)", _Handler.upload),
    (("PUT",), "/part/(?P<oid>[0-9a-f]+)/(?P<number>[0-9]+)", _Handler.part),
    (("POST",), "/complete/(?P<oid>[0-9a-f]+)", _Handler.complete),
    (
        ("GET", "HEAD"),
        f"/(?:datasets/)?{_NAME}/resolve/(?P<revision>refs/pr/\\d+|[^/]+)/(?P<path>.+)",
        _Handler.file,
    ),
    (("GET", "HEAD"), "/stored/(?P<sha256>[0-9a-f]+)", _Handler.stored),
]
