"""The API's description: OpenAPI as JSON, and a page that shows it.

The page is Swagger UI, as the package swagger-ui-bundle brings it, started by a file of
ours: no script stands in the page, and nothing comes from another host.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from smally.api.page import Asset, page_headers, read_assets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BEARER", "schema_config"]

# What a controller whose routes need a key says: security = BEARER.
BEARER = ({"key": list[str]()},)
SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


def schema_config() -> OpenAPIConfig:
    """Describe the API, and show the description at `/schema`."""
    key = SecurityScheme(
        type="http",
        scheme="bearer",
        description="An API key, `smk_…`, as `smally key add` prints it.",
    )
    return OpenAPIConfig(
        title="smally",
        version=version("smally"),
        summary="A small text-embedding API",
        description="Errors are problem documents (RFC 9457): status, title, detail.",
        components=Components(security_schemes={"key": key}),
        use_handler_docstrings=True,
        openapi_router=Router(
            "/schema",
            route_handlers=[swagger],
            include_in_schema=False,
            # Swagger UI's stylesheet holds its pictures.
            response_headers=page_headers(images="'self' data:"),
        ),
        render_plugins=[SwaggerPage()],
    )


class SwaggerPage(OpenAPIRenderPlugin):
    """The page that shows the description, with every script in a file of its own."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(
        self,
        request: Request[Any, Any, Any],  # noqa: ARG002 - as Litestar calls it.
        openapi_schema: dict[str, Any],  # noqa: ARG002 - the page asks for it.
    ) -> bytes:
        """Answer with the page, which reads the description itself."""
        return (files("smally") / "page" / "schema.html").read_bytes()


@cache
def swagger_assets() -> Mapping[str, Asset]:
    """Read the files of Swagger UI that the page uses, once."""
    (folder,) = (files("swagger_ui_bundle") / "vendor").iterdir()
    return read_assets(folder / name for name in SWAGGER_FILES)


@get("/swagger/{name:str}", sync_to_thread=False)
def swagger(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """Answer with a file of Swagger UI."""
    asset = swagger_assets().get(name)
    if asset is None:
        raise NotFoundException
    return asset.answer(request)
