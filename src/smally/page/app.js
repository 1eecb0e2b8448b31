// The page's course: a key comes in, figures are read now and then, a refusal is told.
//
// The key lives in this module, and in kept.js when that was asked for.
// Each reading carries a number: an answer that comes after a newer question, another
// key or another range, is dropped.

import { canBeSent, readBoard } from "./api.js";
import { Chart } from "./chart.js";
import { find } from "./dom.js";
import { formatClock, lastDays } from "./format.js";
import { dropKey, keepKey, keptKey } from "./kept.js";
import { summarise } from "./model.js";
import { showBoard } from "./view.js";

const PREFIX_LENGTH = 12;
const REFRESH_SECONDS = 30;
const MALFORMED = "the API key is missing, malformed, unknown or revoked";

const chart = new Chart(find("chart"));
let key = "";
let reading = 0;
let timer = 0;
let readAt = 0;

const days = () =>
  lastDays(Number(document.querySelector("#range input:checked").value), Date.now());

// Reading ------------------------------------------------------------------------------

async function read() {
  const mine = ++reading;
  const asked = days();
  clearTimeout(timer);
  setBusy(true);
  try {
    const board = await readBoard(key, asked);
    if (mine === reading) arrived(board, asked);
  } catch (refusal) {
    if (mine !== reading) return;
    if (refusal.isFinal) forget(refusal.message);
    else tell(refusal);
  } finally {
    if (mine === reading) setBusy(false);
  }
}

function arrived({ usage, keys }, asked) {
  const model = summarise(usage, asked);
  const isFirst = find("board").hidden;
  readAt = Date.now();
  find("notice").hidden = true;
  find("start").hidden = true;
  find("board").hidden = false;
  find("chart").hidden = find("figures").hidden = model.requests === 0;
  find("usage-empty").hidden = model.requests > 0;
  showBoard(usage, keys, model, key.slice(0, PREFIX_LENGTH));
  chart.show(model);
  say("said", find("usage-total").textContent || "Nothing was counted in these days");
  find("updated").textContent = `As of ${formatClock(readAt)}`;
  document.title = `${usage.email} · smally`;
  timer = setTimeout(readWhenSeen, REFRESH_SECONDS * 1000);
  if (isFirst) find("email").focus({ preventScroll: true });
}

// A tab that nobody looks at asks nothing; it asks when it is looked at again.
function readWhenSeen() {
  const isDue = Date.now() - readAt > (REFRESH_SECONDS - 1) * 1000;
  if (key && isDue && document.visibilityState === "visible") read();
}

function setBusy(isBusy) {
  document.body.classList.toggle("busy", isBusy);
  find("main").setAttribute("aria-busy", String(isBusy));
  find("key-submit").textContent = isBusy ? "Asking…" : "Show usage";
}

// Refusals -----------------------------------------------------------------------------

/** Say what is wrong, and try again by itself; the figures there are stay. */
function tell(refusal) {
  const due = Date.now() + refusal.retrySeconds * 1000;
  find("notice").hidden = false;
  say("notice-text", sentence(refusal.message));
  const tick = () => {
    const seconds = Math.ceil((due - Date.now()) / 1000);
    if (seconds <= 0) return read();
    find("notice-wait").textContent = `Trying again in ${seconds} s.`;
    timer = setTimeout(tick, 1000);
    return undefined;
  };
  tick();
}

// The same words again would be read out again.
function say(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

/** Go back to the form, with a reason or without one. */
function forget(reason = "") {
  key = "";
  reading += 1;
  clearTimeout(timer);
  setBusy(false);
  dropKey();
  find("notice").hidden = true;
  find("board").hidden = true;
  find("start").hidden = false;
  document.title = "smally";
  refuse(reason);
  find("key").focus();
}

function refuse(reason) {
  find("key-error").textContent = reason && sentence(reason);
  find("key").setAttribute("aria-invalid", String(Boolean(reason)));
}

// The form -----------------------------------------------------------------------------

function enter(event) {
  event.preventDefault();
  const field = find("key");
  const given = field.value.trim();
  if (!canBeSent(given)) {
    refuse(given ? MALFORMED : "paste a key first");
    field.focus();
    return;
  }
  if (find("key-keep").checked) keepKey(given);
  else dropKey();
  use(given);
}

function use(given) {
  key = given;
  refuse("");
  setShown(false);
  find("key").value = "";
  read();
}

function setShown(isShown) {
  const button = find("key-show");
  find("key").type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.textContent = isShown ? "Hide" : "Show";
}

// Commands to copy ---------------------------------------------------------------------

const command = [
  `curl ${location.origin}/v1/embed \\`,
  `  -H "Authorization: Bearer $SMALLY_KEY" \\`,
  `  -H "Content-Type: application/json" \\`,
  `  -d '{"input": "hello"}'`,
].join("\n");

async function copy() {
  await navigator.clipboard.writeText(command);
  find("sample-copy").textContent = "Copied";
  find("said").textContent = "The command is copied.";
}

// The course ---------------------------------------------------------------------------

find("sample").textContent = command;
find("empty-sample").textContent = command;
find("sample-copy").hidden = !navigator.clipboard;
find("sample-copy").addEventListener("click", copy);
find("key-form").addEventListener("submit", enter);
find("key-show").addEventListener("click", () => setShown(find("key").type === "password"));
find("refresh").addEventListener("click", read);
find("notice-retry").addEventListener("click", read);
find("forget").addEventListener("click", () => forget());
find("range").addEventListener("change", read);
addEventListener("online", () => key && read());
document.addEventListener("visibilitychange", readWhenSeen);
if (keptKey()) use(keptKey());
