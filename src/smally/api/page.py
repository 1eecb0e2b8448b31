"""The page at `/`: files of the package, under headers that let nothing else in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from litestar import Controller, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.status_codes import HTTP_304_NOT_MODIFIED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

__all__ = ["Asset", "PageController", "page_headers", "read_asset"]

MEDIA_TYPES = MappingProxyType(
    {
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".png": "image/png",
        ".svg": "image/svg+xml",
    }
)


def page_headers(*, images: str = "'self'") -> dict[str, str]:
    """Give the headers of a page that talks to its own origin only."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src {images}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        # A new release shows at once; what is unchanged costs a 304.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served.

    Args:
        content: Its bytes.
        media_type: What they are.
        etag: Their hash, quoted as the header wants it.
    """

    content: bytes
    media_type: str
    etag: str

    def answer(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Send the bytes, or 304 to a browser that has them."""
        headers = {"ETag": self.etag}
        known = request.headers.get("If-None-Match", "").split(",")
        # A proxy that compresses marks the tag as weak; the bytes are the same.
        if self.etag in {tag.strip().removeprefix("W/") for tag in known}:
            return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def read_asset(path: Traversable) -> Asset:
    """Read a file of a package, to be served."""
    content = path.read_bytes()
    media_type = MEDIA_TYPES[PurePath(path.name).suffix]
    return Asset(content, media_type, f'"{sha256(content).hexdigest()[:32]}"')


def read_assets(paths: Iterable[Traversable]) -> Mapping[str, Asset]:
    """Read files of a package, by name."""
    return MappingProxyType({path.name: read_asset(path) for path in paths})


@cache
def page_assets() -> Mapping[str, Asset]:
    """Read the files of the page, once."""
    paths = (files("smally") / "page").iterdir()
    return read_assets(path for path in paths if path.name.endswith(tuple(MEDIA_TYPES)))


class PageController(Controller):
    """The page, and the files that it is made of."""

    include_in_schema = False
    response_headers = page_headers()

    @get("/", sync_to_thread=False)
    def index(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Answer with the page."""
        return page_assets()["index.html"].answer(request)

    @get("/page/{name:str}", sync_to_thread=False)
    def part(self, request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        """Answer with a file of the page."""
        asset = page_assets().get(name)
        if asset is None:
            raise NotFoundException
        return asset.answer(request)
