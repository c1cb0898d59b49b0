// Claims from the queue: what becomes of each stands in its row, and a slip can be undone at once.

import { announce } from "../shared/announce.js";
import { sayingSo, whileBusy } from "../shared/busy.js";
import { element } from "../shared/dom.js";
import { reason, send } from "../shared/server.js";
import { rowWith } from "./rows.js";

const UNDOABLE = 10000;
const CLAIM = "[data-command=claim]";

const part = (key, selector) => rowWith(key)?.querySelector(selector) ?? null;

export class Claims {
  #notes;
  #read;
  #underWay = new Map();
  #undoable = new Map();

  /** `notes` says in a row what became of it, `read` brings the rows up to date. */
  constructor({ notes, read }) {
    this.#notes = notes;
    this.#read = read;
  }

  /** Rows are drawn anew by the server, which knows nothing of these. */
  redraw() {
    for (const [key, button] of this.#underWay)
      part(key, button)?.setAttribute("aria-busy", "true");
    for (const key of this.#undoable.keys()) this.#showUndo(key);
  }

  async claim(row) {
    if (!row?.querySelector(CLAIM)) return;
    const { key, path } = row.dataset;
    const answer = await this.#give(row, CLAIM, () => send("POST", `${path}/claim`));
    if (!answer) return;
    // Whoever lost reads in the row itself who has it.
    const lost = answer.body.type === "/problems/already-claimed";
    this.#notes.say(key, answer.ok || lost ? "" : reason(answer));
    const done = () => part(key, ".yours") && this.#won(row);
    if (!answer.status) this.#notes.lose(key, "claim", { done });
    if (answer.ok) this.#won(row);
    this.#read();
  }

  /** It can be undone as long as the server has neither done nor refused it. */
  async undo(row) {
    const { key, path, said } = row.dataset;
    clearTimeout(this.#undoable.get(key));
    const undo = () => send("POST", `${path}/release`, { undo: true });
    const answer = await this.#give(row, ".undo", undo);
    if (!answer) return;
    if (answer.ok || answer.status === 409) this.#takeUndo(key);
    else this.offerUndo(key);
    const done = () => this.#takeUndo(key);
    if (!answer.status) this.#notes.lose(key, "undo", { done });
    if (answer.ok) announce(`Taken back: ${said}`);
    else this.#notes.say(key, reason(answer));
    this.#read();
  }

  /** For a while, wherever the row says that it is theirs. */
  offerUndo(key) {
    clearTimeout(this.#undoable.get(key));
    const timer = setTimeout(() => this.#takeUndo(key), UNDOABLE);
    this.#undoable.set(key, timer);
    this.#showUndo(key);
  }

  /** One thing at a time with each row, however often its button is drawn anew meanwhile. */
  async #give(row, button, ask) {
    const { key } = row.dataset;
    if (this.#underWay.has(key)) return null;
    this.#notes.begin(key);
    this.#underWay.set(key, button);
    const late = (text) => part(key, button) && this.#notes.say(key, text);
    try {
      return await whileBusy(part(key, button), () => sayingSo(late, ask));
    } finally {
      this.#underWay.delete(key);
      part(key, button)?.removeAttribute("aria-busy");
    }
  }

  #won({ dataset }) {
    announce(`It is yours: ${dataset.said}`);
    this.offerUndo(dataset.key);
  }

  #showUndo(key) {
    const act = part(key, ".act:has(> .yours)");
    if (!act || act.querySelector(".undo")) return;
    act.append(element("button", { type: "button", class: "button undo" }, "Undo"));
  }

  /** The focus goes on from the row that it was in. */
  #takeUndo(key) {
    clearTimeout(this.#undoable.get(key));
    this.#undoable.delete(key);
    const button = part(key, ".undo");
    if (button === document.activeElement) part(key, "h2 a")?.focus({ preventScroll: true });
    button?.remove();
  }
}
