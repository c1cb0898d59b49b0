// What a row says of what somebody tried with it: until something else is said, the row has become
// another one, or, where no answer came, until what is read from then on tells what became of it.

import { rowWith } from "./rows.js";

/** By what a row shows that nothing was done, and what it says then. */
const UNDONE = {
  claim: [(one) => one.querySelector("[data-command=claim]"), "It is not claimed. Try again."],
  undo: [(one) => one.querySelector(".yours"), "It is still yours. Try again."],
};
const UNCHANGED = [(one, tag) => one.dataset.tag === tag, "Nothing was changed. Try again."];

export class Notes {
  #said = new Map();
  #lost = new Map();
  #triedAt = new Map();

  /** When somebody last tried something with this row; long ago where nobody has. */
  triedAt({ dataset }) {
    return this.#triedAt.get(dataset.key) ?? 0;
  }

  /** Somebody tries something with it: what was said before is over. */
  begin(key) {
    this.#triedAt.set(key, Date.now());
    this.#lost.delete(key);
    this.say(key, "");
  }

  /** `good` where it was done; what `lasts` is said of the row whatever becomes of it. */
  say(key, text, { good = false, lasts = false } = {}) {
    const there = rowWith(key);
    this.#said.set(key, { text, good, lasts, tag: there?.dataset.tag });
    this.#show(key, there);
  }

  /**
   * No answer came to `command`, which was given when the row was drawn as `tag`. Nobody knows what
   * became of it before a reading that begins now; `done` is called where it then seems to be done.
   */
  lose(key, command, { tag, done }) {
    this.#lost.set(key, { command, tag, done, since: performance.now() });
  }

  /** Rows were drawn anew by the server, which knows nothing of these; that reading `began` when. */
  redraw(began) {
    for (const [key, { since }] of this.#lost) if (began >= since) this.#findOut(key);
    for (const [key, { tag, lasts }] of this.#said) {
      const there = rowWith(key);
      if (!lasts && there?.dataset.tag !== tag) this.say(key, "");
      else this.#show(key, there);
    }
  }

  #findOut(key) {
    const { command, tag, done } = this.#lost.get(key);
    const [isUndone, words] = UNDONE[command] ?? UNCHANGED;
    const there = rowWith(key);
    const failed = there && isUndone(there, tag);
    this.#lost.delete(key);
    this.say(key, failed ? words : "");
    if (!failed) done();
  }

  #show(key, there) {
    const note = there?.querySelector(".note");
    const { text, good } = this.#said.get(key);
    if (!note || !text) this.#said.delete(key);
    if (!note) return;
    if (note.textContent !== text) note.textContent = note.title = text;
    note.hidden = !text;
    note.classList.toggle("good", good);
  }
}
