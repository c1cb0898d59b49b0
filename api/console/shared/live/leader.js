// Which of this browser's tabs holds the one stream: the one that holds the lock.

/** Calls `lead` once this tab's turn has come, and `stop` should another tab take over. */
export class Candidate {
  constructor(name, { lead, stop }) {
    this.name = name;
    this.lead = lead;
    this.stop = stop;
    this.leads = false;
  }

  /** Waits for the lock. Without locks (plain http from afar) every tab leads itself. */
  stand({ steal = false } = {}) {
    if (!navigator.locks) return this.#take();
    const options = steal ? { steal: true } : {};
    navigator.locks
      .request(this.name, options, () => this.#take() ?? new Promise(() => {}))
      .catch(() => this.#lose());
  }

  /** Takes the lead from a tab that does not answer any more. */
  usurp() {
    if (!this.leads && navigator.locks) this.stand({ steal: true });
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
