// The keyboard: which key means what. Pages say what each does by `onKey`.

const doing = new Map();

/** `act` answers to `key`, unless somebody is writing or a dialog is open. */
export function onKey(key, act) {
  doing.set(key, act);
}

function isWriting(target) {
  const free = ["checkbox", "radio", "button", "submit"];
  return (
    target.isContentEditable ||
    target.matches("textarea, select") ||
    (target.matches("input") && !free.includes(target.type))
  );
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isWriting(event.target)) return;
  if (mean(event.key)) event.preventDefault();
}

/** Does what the key means here; whether it means anything. */
function mean(key) {
  const act = document.querySelector("dialog[open]") ? null : doing.get(key);
  return Boolean(act) && act() !== false;
}

/** Leaves a key to another page of ours: the one around this one, or the one in its frame. */
export function passKey(key, to) {
  to.postMessage({ key }, location.origin);
}

/** Does what such a page leaves to this one. */
export function takeKeysOf(theirs) {
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== location.origin || source !== theirs()) return;
    focus();
    mean(data.key);
  });
}

/** From now on keys mean what was said of them. */
export function listen() {
  document.addEventListener("keydown", press);
}

const THE_LISTS = ["j", "k", "J", "K", "n", "b", "/", "Escape"];

/** In the queue's frame: the list's keys are the list's, whoever has the focus. */
export function shareKeysWithTheList() {
  for (const key of THE_LISTS) onKey(key, () => passKey(key, parent));
  takeKeysOf(() => parent);
}

export function setUpKeys() {
  onKey("?", () => document.getElementById("keys-dialog").showModal());
  // A page with words of its own to look through says so.
  onKey("/", () => location.assign("/search"));
  listen();
}
