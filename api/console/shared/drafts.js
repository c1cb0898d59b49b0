// What somebody has typed and not sent stays on this device, for this person, until it is sent.

const DAYS = 7;
const me = document.body.dataset.me;
const places = new WeakMap();

/** Keeps what is typed into the fields that are named by `data-draft`, and brings it back. */
export function keepDrafts(root, what) {
  const place = (field) => `draft/${me}/${what}/${field.dataset.draft}`;
  forgetOld();
  for (const field of root.querySelectorAll("[data-draft]")) {
    const kept = read(place(field));
    if (kept && field.value === field.defaultValue) field.value = kept;
    places.set(field, place(field));
    count(field);
  }
  root.addEventListener("input", ({ target }) => {
    if (!target.matches?.("[data-draft]")) return;
    places.set(target, place(target));
    write(place(target), target.value);
    count(target);
  });
}

/** It has been sent. */
export function dropDrafts(form) {
  for (const field of form.querySelectorAll("[data-draft]")) {
    write(places.get(field), "");
    count(field);
  }
}

/** Says how much is left before the limit is met, not after. */
function count(field) {
  const said = field.closest(".field, form")?.querySelector("[data-counts]");
  if (!said) return;
  const most = Number(said.dataset.counts);
  const size = new TextEncoder().encode(field.value).length;
  const left = most - size;
  said.textContent =
    left < 0
      ? `${size.toLocaleString()} bytes, and it may have ${most.toLocaleString()}`
      : left < most / 8
        ? `${left.toLocaleString()} bytes left`
        : "";
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null")?.text ?? "";
  } catch {
    return "";
  }
}

function write(name, text) {
  try {
    if (text) localStorage.setItem(name, JSON.stringify({ text, at: Date.now() }));
    else localStorage.removeItem(name);
  } catch {
    // A device that keeps nothing loses the draft, and nothing else.
  }
}

function forgetOld() {
  const oldest = Date.now() - DAYS * 86400000;
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith("draft/"))) {
    try {
      if (!(JSON.parse(localStorage.getItem(name)).at > oldest)) localStorage.removeItem(name);
    } catch {
      localStorage.removeItem(name);
    }
  }
}
