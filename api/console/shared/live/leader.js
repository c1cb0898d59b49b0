// Which of this browser's tabs holds the one stream: the one that holds the lock, or the lease where
// there are no locks.

import { Lease } from "./lease.js";

/** Calls `lead` once this tab's turn has come, and `stop` should another tab take over. */
export class Candidate {
  constructor(name, { lead, stop }) {
    this.name = name;
    this.lead = lead;
    this.stop = stop;
    this.leads = false;
    this.lease = null;
  }

  /** Waits for the lock, or for the lease. */
  stand({ steal = false } = {}) {
    if (!navigator.locks) return this.#lease();
    const options = steal ? { steal: true } : {};
    navigator.locks
      .request(this.name, options, () => this.#take() ?? new Promise(() => {}))
      .catch(() => this.#lose());
  }

  /** Takes the lead from a tab that does not answer any more. */
  usurp() {
    if (this.leads) return;
    if (navigator.locks) this.stand({ steal: true });
    else this.lease?.claim();
  }

  #lease() {
    try {
      localStorage.setItem(`${this.name}-probe`, "");
    } catch {
      return this.#take(); // Nothing is shared at all: every tab leads itself.
    }
    const lost = () => {
      this.leads = false;
      this.stop();
    };
    this.lease = new Lease(this.name, { taken: () => this.#take(), lost });
    this.lease.stand();
  }

  #take() {
    this.leads = true;
    this.lead();
  }

  #lose() {
    if (!this.leads) return;
    this.leads = false;
    this.stop();
    this.stand();
  }
}
