// Talking to the server: reading pieces of pages, giving commands to the JSON API.
// Nothing here touches the page.

const WITHIN = 8000;
const CHANGED_WITHIN = 10000;

/** The whole page, should this one stand in a frame of it. */
export function goToSignIn() {
  const { pathname, search } = top.location;
  top.location.assign(`/sign-in?next=${encodeURIComponent(pathname + search)}`);
}

/** 32 random hexadecimal digits: no two are alike. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(path, options = {}) {
  const response = await fetch(path, { signal: AbortSignal.timeout(WITHIN), ...options });
  if (response.status === 401) goToSignIn();
  return response;
}

/** Reads JSON; throws when there is none to be had. */
export async function readJson(path) {
  const response = await ask(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

/** Reads a list, page after page, to its end; throws when it cannot be had whole. */
export async function readWhole(path) {
  const found = [];
  for (let next = path; next;) {
    const response = await ask(next, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`${response.status}`);
    found.push(...(await response.json()));
    next = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link"))?.[1];
  }
  return found;
}

/** Lets what somebody does meanwhile come first: to read and to show much is long in one go. */
function breath() {
  return new Promise((resume) => setTimeout(resume));
}

/** Reads a piece of a page, as a document of its own in which nothing runs. */
export async function readPiece(path, headers = {}) {
  const response = await ask(path, { headers });
  if (!response.ok) throw new Error(`${response.status}`);
  const piece = new DOMParser().parseFromString(await response.text(), "text/html").body;
  await breath();
  return piece;
}

/** Asks for a change. Answers `{ok, status, body}` and never throws: `body.detail` says why not, and
 * `isLost` that nobody knows yet. */
export async function send(method, path, body, key = newKey()) {
  const headers = { "Content-Type": "application/json" };
  if (method === "POST") headers["Idempotency-Key"] = key;
  const isAway = !navigator.onLine;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const signal = AbortSignal.timeout(CHANGED_WITHIN);
    const response = await ask(path, { method, headers, body: content, signal });
    const text = await response.text();
    return { ok: response.ok, status: response.status, body: text ? JSON.parse(text) : {} };
  } catch (fault) {
    return { ok: false, status: 0, isLost: !isAway, body: { detail: unanswered(fault, isAway) } };
  }
}

/** What never left is no change; of what left and was not answered nobody knows yet. */
function unanswered(fault, isAway) {
  if (isAway) return "There is no network. Nothing was changed.";
  if (fault.name === "TimeoutError") return "No answer came, so nobody knows yet.";
  return "There was no answer. Try again.";
}

const NAMES = { engineer_notes: "Notes", text: "A note", title: "The title", reason: "The reason" };

/** What a field is called by those who fill it in. */
function named(path) {
  const name = path.replace(/^body\//, "");
  return NAMES[name] ?? `${name}:`;
}

/** Why a change was refused, in a sentence. */
export function reason(answer) {
  const faults = answer.body.errors ?? [];
  const said = faults.map(({ path, message }) => `${named(path)} ${message}`);
  return said.length ? said.join("; ") : (answer.body.detail ?? "That did not work.");
}
