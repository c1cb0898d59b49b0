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
  if (document.querySelector("dialog[open]") || isWriting(event.target)) return;
  const act = doing.get(event.key);
  if (act && act(event) !== false) event.preventDefault();
}

export function setUpKeys() {
  onKey("?", () => document.getElementById("keys-dialog").showModal());
  // A page with words of its own to look through says so.
  onKey("/", () => location.assign("/search"));
  document.addEventListener("keydown", press);
}
