// Which tab leads where a browser has no Web Locks (plain http from afar): the one whose lease in
// the browser's storage is fresh. Clocks of hidden tabs tick seldom, so a tab that is looked at may
// take over; for that moment there are two.

const HELD = 4000;
const RENEW = 1000;
const SETTLE = 200;

/** Calls `taken` when the lease is this tab's, and `lost` when it is another's again. */
export class Lease {
  constructor(name, { taken, lost }) {
    this.name = name;
    this.id = `${Date.now()}-${Math.random()}`;
    this.taken = taken;
    this.lost = lost;
    this.held = false;
  }

  stand() {
    addEventListener("pagehide", () => this.#leave());
    setInterval(() => this.#tick(), RENEW);
    this.#tick();
  }

  /** Takes it from a tab that does not answer any more. */
  claim() {
    this.#write();
    // Others may claim it at the same moment: whoever wrote last has it.
    setTimeout(() => this.#settle(), SETTLE);
  }

  #tick() {
    const found = this.#read();
    if (found?.by === this.id) return this.held ? this.#write() : undefined;
    if (this.held) this.#lose();
    if (!found || Math.abs(found.until - Date.now()) > HELD || found.until < Date.now())
      this.claim();
  }

  #settle() {
    if (this.#read()?.by !== this.id || this.held) return;
    this.held = true;
    this.taken();
  }

  #lose() {
    this.held = false;
    this.lost();
  }

  #leave() {
    if (this.#read()?.by === this.id) localStorage.removeItem(this.name);
  }

  #write() {
    localStorage.setItem(this.name, JSON.stringify({ by: this.id, until: Date.now() + HELD }));
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.name));
    } catch {
      return null;
    }
  }
}
