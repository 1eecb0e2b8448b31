// Asking the service. The key travels in a header, never in an address.

const TIMEOUT_MILLISECONDS = 10_000;
const PATIENCE_SECONDS = 5;

/** The service said no, or did not answer: then `status` is 0. */
export class Refused extends Error {
  constructor(status, detail, retrySeconds) {
    super(detail);
    this.status = status;
    this.retrySeconds = retrySeconds;
  }

  /** Is it the key that was refused, for good? */
  get isFinal() {
    return this.status === 401 || this.status === 403;
  }
}

/** Can this be sent as a key at all? fetch would refuse other characters itself. */
export const canBeSent = (key) => /^[\x21-\x7e]+$/.test(key);

/** Read usage and keys of a key's owner, both at once. */
export async function readBoard(key, days) {
  const range = new URLSearchParams({ from: days[0], to: days.at(-1) });
  const [usage, keys] = await Promise.all([
    ask(key, `/v1/usage?${range}`),
    ask(key, "/v1/keys"),
  ]);
  return { usage, keys: keys.keys.filter((each) => each.user_id === usage.user_id) };
}

async function ask(key, path) {
  const response = await send(key, path);
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const wait = Number(response.headers.get("Retry-After"));
  throw new Refused(
    response.status,
    body.detail || body.title || `the service answered ${response.status}`,
    wait > 0 ? wait : PATIENCE_SECONDS,
  );
}

async function send(key, path) {
  try {
    return await fetch(path, {
      headers: { Authorization: `Bearer ${key}`, Accept: "application/json" },
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  } catch {
    throw new Refused(0, "the service cannot be reached", PATIENCE_SECONDS);
  }
}
