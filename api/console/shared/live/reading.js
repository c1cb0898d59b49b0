// Reading again what a page shows, whenever it rings: one reading at a time, and what rings
// meanwhile is read right after it. What cannot be read is no fault of the page: the badge says so,
// and the next bell asks again.

/** `read` is called by `again()`, as often as need be and never twice at once. */
export class Reading {
  #read;
  #wanted = false;

  constructor(read) {
    this.#read = read;
    this.underWay = false;
  }

  async again() {
    this.#wanted = true;
    if (this.underWay) return;
    this.underWay = true;
    while (this.#wanted) {
      this.#wanted = false;
      await this.#read().catch(() => {});
    }
    this.underWay = false;
  }
}
