// Which rows somebody has picked, to do the same to all of them. By pointer, with Shift for all in
// between, and by keys; what is picked stays picked whatever becomes of the rows meanwhile.

const SHOWN = (row) => !row.hidden;

const box = (row) => row.querySelector(".pick input");

export class Selection {
  #picked = new Set();
  #anchor = null;
  #rows;
  #changed;

  /** `rows` gives the present ones in their order; `changed` is called whenever others are picked. */
  constructor(rows, changed) {
    this.#rows = rows;
    this.#changed = changed;
  }

  get keys() {
    return Array.from(this.#picked);
  }

  get size() {
    return this.#picked.size;
  }

  has(row) {
    return this.#picked.has(row.dataset.key);
  }

  /** Those that could be picked: what a search hides cannot be meant. */
  get pickable() {
    return this.#rows().filter((row) => SHOWN(row) && box(row));
  }

  /** Picks the row or lets it go; with `through`, all from the last one to this one as well. */
  toggle(row, { through = false } = {}) {
    if (!row || !box(row)) return;
    const pick = !this.has(row);
    const between = through ? this.#between(row) : null;
    if (between) between.forEach((one) => this.#picked.add(one.dataset.key));
    else if (pick) this.#picked.add(row.dataset.key);
    else this.#picked.delete(row.dataset.key);
    this.#anchor = row.dataset.key;
    this.redraw();
  }

  all() {
    this.pickable.forEach((row) => this.#picked.add(row.dataset.key));
    this.redraw();
  }

  /** Only these stay picked. */
  keep(keys) {
    this.#picked = new Set(keys);
    this.redraw();
  }

  /** Rows are drawn anew by the server, which knows nothing of this; one that is gone is let go. */
  redraw() {
    const there = this.#rows();
    const keys = new Set(there.map((row) => row.dataset.key));
    for (const key of this.#picked) if (!keys.has(key)) this.#picked.delete(key);
    for (const row of there) {
      const isPicked = this.has(row);
      row.classList.toggle("picked", isPicked);
      if (box(row) && box(row).checked !== isPicked) box(row).checked = isPicked;
    }
    this.#changed();
  }

  #between(row) {
    const shown = this.pickable;
    const from = shown.findIndex((one) => one.dataset.key === this.#anchor);
    const to = shown.indexOf(row);
    if (from < 0 || to < 0) return null;
    return shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  }
}
