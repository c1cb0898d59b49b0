// The handoff that is opened beside the list, where there is room: its own page in a frame, so that
// its dialogs, its keys and what is typed there are its own. Which one it is stands in the address.

import { announce } from "../shared/announce.js";
import { element } from "../shared/dom.js";
import { passKey, takeKeysOf } from "../shared/frame/keys.js";
import { rowWith } from "./rows.js";
import { withOpened } from "./search.js";

const ROOM = matchMedia("(min-width: 87.5rem)");
const KEYS_AT_ONCE = { r: "#resolve" };
const place = document.getElementById("beside");
const link = place.querySelector("a");

/** Where keys go on from after it; what it was opened from may be on another part of the list. */
function placeOf(row) {
  const shown = row && !row.hidden ? row : document.querySelector("#rows > .row:not([hidden])");
  return shown?.querySelector("h2 a") ?? document.getElementById("search");
}

function inAddress() {
  const key = new URLSearchParams(location.search).get("open") ?? "";
  return /^[0-9a-f-]{36}$/.test(key) ? key : "";
}

/** The list gives way, but what somebody looks at in it stays where it is. */
function keepingPlace(row, act) {
  const before = row?.getBoundingClientRect().top;
  act();
  if (row) scrollBy(0, row.getBoundingClientRect().top - before);
}

export class Beside {
  #key = "";

  constructor() {
    place.querySelector("button").addEventListener("click", () => this.close());
    takeKeysOf(() => this.#frame?.contentWindow);
    this.show();
  }

  get #frame() {
    return place.querySelector("iframe");
  }

  /** Whether the handoff stands in it: the browser's own word for what it cannot get cannot be read. */
  get #isWhole() {
    return Boolean(this.#frame.contentDocument?.getElementById("story"));
  }

  has(row) {
    return row.dataset.key === this.#key;
  }

  /** Opens it here, and gives it a key of its own to begin with; whether there was room. */
  open(row, key = "") {
    if (!ROOM.matches || !row) return false;
    if (this.has(row)) {
      // What went wrong there, or never came, is asked for again.
      if (!this.#isWhole) this.#load(`/handoffs/${this.#key}`, "");
      this.#frame.focus();
      if (key) passKey(key, this.#frame.contentWindow);
      return true;
    }
    if (!this.mayLeave()) return true;
    history.pushState(null, "", withOpened(location.href, row.dataset.key));
    this.show(key && KEYS_AT_ONCE[key]);
    announce(`Opened beside the list: ${row.dataset.said}. Enter goes there`);
    return true;
  }

  /** Asks first where files are on their way, or attached to what was not sent: they would be lost. */
  mayLeave() {
    const files = this.#frame?.contentDocument?.querySelector("[data-adding] > li");
    return !files || confirm("Files that you added there were not sent yet. Leave them?");
  }

  /** Back or forward was pressed: where files would be lost by it, the address is as it was. */
  turn() {
    if (inAddress() === this.#key || this.mayLeave()) this.show();
    else history.pushState(null, "", withOpened(location.href, this.#key));
  }

  /** Whether there was anything to close. */
  close() {
    if (!this.#key || !ROOM.matches) return false;
    if (!this.mayLeave()) return true;
    const row = rowWith(this.#key);
    history.pushState(null, "", withOpened(location.href, ""));
    this.show();
    placeOf(row).focus({ preventScroll: true });
    return true;
  }

  /** Shows what the address says; on its own page, where there is no room beside the list. */
  show(hash = "") {
    const key = inAddress();
    if (key && !ROOM.matches) location.replace(`/handoffs/${key}`);
    else if (key !== this.#key) this.#turnTo(key, hash);
  }

  #turnTo(key, hash) {
    const row = rowWith(key || this.#key);
    this.#key = key;
    keepingPlace(row, () => {
      document.body.classList.toggle("reads", Boolean(key));
      place.hidden = !key;
    });
    if (key) this.#load(`/handoffs/${key}`, hash);
    else this.#frame?.remove();
    this.redraw();
  }

  /** In the frame nothing adds to what Back goes through: the address of the whole page does. */
  #load(path, hash) {
    link.href = path;
    const address = `${path}?beside=true${hash}`;
    const frame = this.#frame;
    if (frame) frame.contentWindow.location.replace(address);
    else place.append(element("iframe", { src: address, title: "The opened handoff" }));
  }

  /** Rows are drawn anew by the server, which knows nothing of this. */
  redraw() {
    const row = rowWith(this.#key);
    const marked = document.querySelector("#rows > .opened");
    if (marked !== row) marked?.classList.remove("opened");
    marked?.querySelector("h2 a").removeAttribute("aria-current");
    row?.classList.add("opened");
    row?.querySelector("h2 a").setAttribute("aria-current", "true");
  }
}
