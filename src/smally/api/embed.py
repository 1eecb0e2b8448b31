"""Embed texts: what is answered has been counted."""

from __future__ import annotations

from hashlib import sha256
from time import monotonic
from typing import Annotated, Any

import msgspec
from litestar import Controller, MediaType, Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.response import Response

from smally.api.observing import add_headers, request_id_of
from smally.api.problems import RETRY_SECONDS, problem, refusals
from smally.api.schema import BEARER
from smally.auth.authenticator import Caller
from smally.metering.values import Charge, Outcome, Verdict
from smally.services import Services
from smally.tiers import TIERS, Tier

__all__ = ["MAX_BODY_BYTES", "EmbedController"]

MAX_BODY_BYTES = 1 << 20
MAX_TEXTS = 128
MAX_CHARACTERS = 8_192
BUSY = "the embedding model has too much to do; try again"

encode = msgspec.json.Encoder().encode

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHARACTERS)]
Batch = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=MAX_TEXTS)]
IdempotencyKey = Annotated[
    str | None,
    Parameter(
        header="Idempotency-Key",
        pattern="^[!-~]{1,128}$",
        description="Of your choice: a retry with the same key is counted once.",
    ),
]


class EmbedRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to embed: one text, or a batch; `normalize` asks for unit length."""

    input: Text | Batch
    normalize: bool = True


class TextsUsed(msgspec.Struct):
    """How many texts were counted."""

    texts: int


class EmbedAnswer(msgspec.Struct):
    """An embedding for each text, in order."""

    model: str
    dimensions: int
    embeddings: list[list[float]]
    usage: TextsUsed


class EncodedAnswer(msgspec.Struct):
    """The same as it is sent: each embedding is JSON already."""

    model: str
    dimensions: int
    embeddings: list[msgspec.Raw]
    usage: TextsUsed


class EmbedController(Controller):
    """The noun that all is about."""

    path = "/v1/embed"
    tags = ("embeddings",)

    @post(
        status_code=200,
        description=f"Up to {MAX_TEXTS} texts of up to {MAX_CHARACTERS} characters.",
        summary="Embed texts",
        responses={
            200: ResponseSpec(EmbedAnswer, description="Counted, and here."),
            **refusals(400, 401, 409, 413, 429),
        },
        security=BEARER,
    )
    async def embed(
        self,
        request: Request[Caller, Any, Any],
        data: EmbedRequest,
        services: Services,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[bytes]:
        """Count, embed, answer: what is answered has been counted."""
        texts = [data.input] if isinstance(data.input, str) else data.input
        # One dependency, for Litestar starts a task group where there are more.
        caller, meter, embeddings = request.user, services.meter, services.embeddings
        tier = TIERS[caller.tier]
        charge = Charge(
            user_id=caller.user_id,
            key_id=caller.key_id,
            tier=tier,
            request_id=idempotency_key or request_id_of(request.scope),
            may_be_retry=idempotency_key is not None,
            request_hash=sha256(await request.body()).digest(),
            texts=len(texts),
        )
        if embeddings.is_busy:
            raise problem(503, BUSY, headers={"Retry-After": str(RETRY_SECONDS)})
        outcome = await meter.count(charge)
        add_headers(request.scope, limit_headers(outcome, tier))
        refuse(outcome, charge)
        # Only now, so that the limits bound the work too.
        vectors = await embeddings.embed(texts, normalize=data.normalize)
        answer = EncodedAnswer(
            embeddings.model, embeddings.dimensions, vectors, TextsUsed(len(texts))
        )
        return Response(encode(answer), media_type=MediaType.JSON)


def refuse(outcome: Outcome, charge: Charge) -> None:
    """Refuse what is not counted: over the limits, or under an id that is taken."""
    if outcome.verdict is Verdict.REUSED:
        raise problem(
            409, "the Idempotency-Key was used for another request; take a new one"
        )
    if outcome.verdict is Verdict.REFUSED:
        tier, now = charge.tier, monotonic()
        wait = outcome.standing.wait_seconds(tier, charge.texts, now)
        raise problem(
            429,
            f"the tier {tier.name} has {tier.requests_a_minute} requests a minute and"
            f" {tier.texts_a_day} texts a day; try again in {wait} s",
            headers={"Retry-After": str(wait)},
        )


def limit_headers(outcome: Outcome, tier: Tier) -> dict[str, int]:
    """Say what the limits are, what is left of them, and when they begin anew."""
    now = monotonic()
    standing = outcome.standing.at(now)
    minute, day = standing.seconds_left(now)
    return {
        "x-ratelimit-limit-requests": tier.requests_a_minute,
        "x-ratelimit-remaining-requests": max(
            0, tier.requests_a_minute - standing.requests
        ),
        "x-ratelimit-reset-requests": minute,
        "x-ratelimit-limit-texts": tier.texts_a_day,
        "x-ratelimit-remaining-texts": max(0, tier.texts_a_day - standing.texts),
        "x-ratelimit-reset-texts": day,
    }
