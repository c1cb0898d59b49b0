// Claims from the queue: what becomes of each stands in its row, and a slip can be undone at once.

import { announce } from "../shared/announce.js";
import { sayingSo, whileBusy } from "../shared/busy.js";
import { reason, send } from "../shared/server.js";

const UNDOABLE = 10000;

const part = (key, selector) =>
  document.querySelector(`#rows > [data-key="${CSS.escape(key)}"] ${selector}`);

export class Claims {
  #read;
  #notes = new Map();
  #triedAt = new Map();
  #unknown = new Set();
  #undoable = new Set();

  /** `read` brings the rows up to date. */
  constructor(read) {
    this.#read = read;
  }

  /** When somebody last tried to claim this row; long ago where nobody has. */
  triedAt(row) {
    return this.#triedAt.get(row.dataset.key) ?? 0;
  }

  /** Rows are drawn anew by the server, which knows nothing of these. */
  redraw() {
    for (const key of this.#unknown) this.#findOut(key);
    for (const key of this.#undoable) this.#offerUndo(key);
    this.#notes.forEach((said, key) => this.#show(key, said));
  }

  async claim(row) {
    const button = row?.querySelector("[data-command=claim]");
    if (!button) return;
    const { key } = row.dataset;
    this.#triedAt.set(key, Date.now());
    this.#note(key, "");
    const late = (text) => this.#note(key, text);
    const answer = await whileBusy(button, () =>
      sayingSo(late, () => send("POST", `${row.dataset.path}/claim`)),
    );
    if (!answer) return;
    // Whoever lost reads in the row itself who has it.
    const lost = answer.body.type === "/problems/already-claimed";
    this.#note(key, answer.ok || lost ? "" : reason(answer));
    if (!answer.status) this.#unknown.add(key);
    if (answer.ok) this.#won(row);
    this.#read();
  }

  async undo(row) {
    const { key } = row.dataset;
    const button = part(key, ".undo");
    const answer = await whileBusy(button, () =>
      send("POST", `${row.dataset.path}/release`, { undo: true }),
    );
    if (!answer) return;
    this.#undoable.delete(key);
    button.remove();
    if (answer.ok) announce(`Taken back: ${row.dataset.said}`);
    else this.#note(key, reason(answer));
    this.#read();
  }

  #won(row) {
    const { key } = row.dataset;
    announce(`It is yours: ${row.dataset.said}`);
    this.#undoable.add(key);
    setTimeout(() => {
      this.#undoable.delete(key);
      part(key, ".undo")?.remove();
    }, UNDOABLE);
  }

  #offerUndo(key) {
    const act = part(key, ".act");
    if (!act || act.querySelector(".undo")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button undo";
    button.textContent = "Undo";
    act.append(button);
  }

  /** What has been read since then says it: the row offers a claim, or tells who has it. */
  #findOut(key) {
    this.#unknown.delete(key);
    this.#note(key, part(key, "[data-command=claim]") ? "It is not claimed. Try again." : "");
  }

  /** What became of it, in its row until something else is said; `good` where it was done. */
  say(key, text, good = false) {
    this.#triedAt.set(key, Date.now());
    this.#note(key, text, good);
  }

  #note(key, text, good = false) {
    this.#notes.set(key, { text, good });
    this.#show(key, { text, good });
  }

  #show(key, { text, good }) {
    const note = part(key, ".note");
    if (!note || !text) this.#notes.delete(key);
    if (!note) return;
    if (note.textContent !== text) note.textContent = text;
    note.hidden = !text;
    note.classList.toggle("good", good);
  }
}
