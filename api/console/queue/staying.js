// Rows that have left stay a while, so that nobody sees a row vanish under their hand.

const STAYS = 30000;
const MOST = 100;

const isGone = (row) => row.classList.contains("gone");

export class Staying {
  #rows;
  #triedAt;
  #concerns;
  #leftAt = new Map();

  /** `rows` gives the present ones; `triedAt` when somebody tried to claim one, `concerns` whether
   * somebody still has to do with it. */
  constructor({ rows, triedAt, concerns }) {
    this.#rows = rows;
    this.#triedAt = triedAt;
    this.#concerns = concerns;
  }

  /**
   * What is to be read again even if it has left. Where there are more than can be asked for, those
   * that somebody has to do with come first.
   */
  keys() {
    const now = Date.now();
    return this.#rows()
      .filter((row) => !isGone(row) || this.#isStill(row, now))
      .sort((one, other) => this.#matters(other, now) - this.#matters(one, now))
      .slice(0, MOST)
      .map((row) => row.dataset.key);
  }

  /** How many of these, the first ones, somebody has to do with. */
  get held() {
    return this.#rows().filter((row) => this.#isHeld(row)).length;
  }

  /** Notes since when rows are gone. */
  look() {
    for (const row of this.#rows()) {
      const { key } = row.dataset;
      if (!isGone(row)) this.#leftAt.delete(key);
      else if (!this.#leftAt.has(key)) this.#leftAt.set(key, Date.now());
    }
  }

  forget() {
    this.#leftAt.clear();
  }

  #matters(row, now) {
    if (this.#isHeld(row)) return 3;
    if (now - this.#triedAt(row) < STAYS) return 2;
    return isGone(row) ? 1 : 0;
  }

  #isStill(row, now) {
    const since = this.#leftAt.get(row.dataset.key) ?? now;
    return now - since < STAYS || this.#isHeld(row);
  }

  #isHeld(row) {
    return row.contains(document.activeElement) || this.#concerns(row);
  }
}
