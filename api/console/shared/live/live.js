// What happens now, for every tab from one stream. The leader listens and tells the others.
// Events here are bells: whoever hears "bell" reads again what it shows.
//
// "bell" {subject}, "pulse" {pulse, first}, "state" the badge's word: nothing is live that could not
// be read again.

import { Candidate } from "./leader.js";
import { readJson } from "../server.js";
import { Reading } from "./reading.js";
import { Stream } from "./stream.js";

const POLL = 5000;
const PATIENCE = 6000;
const STALLED = 2500;
const SLEPT = 15000;
const DEAD = 20000;
const SLEPT_HIDDEN = 120000;

class Live extends EventTarget {
  constructor() {
    super();
    const { me, number, eventTypes } = document.body.dataset;
    this.state = this.said = "connecting";
    this.reading = null;
    this.lostAt = Date.now();
    this.pulse = new Reading(() => this.#readPulse());
    this.channel = new BroadcastChannel(`handoff-live-${me}`);
    // A page that shows nothing of the record knows no number: it hears what comes from now on.
    this.stream = new Stream(number === undefined ? null : Number(number), eventTypes.split(" "), {
      event: (event) => this.#ring(event.subject),
      resync: () => this.#ring(null),
      rights: () => this.#ring(null),
      state: (state) => this.#change(state),
      life: () => this.#alive(),
    });
    this.aliveAt = Date.now();
    this.candidate = new Candidate(`handoff-live-${me}`, {
      lead: () => this.#lead(),
      stop: () => this.#follow(),
    });
  }

  start() {
    this.channel.onmessage = (message) => this.#told(message.data);
    this.channel.postMessage({ kind: "who" });
    this.candidate.stand();
    this.#watchForSleep();
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.#change("offline"));
    document.addEventListener("visibilitychange", () => document.hidden || this.#shown());
    addEventListener("pagehide", () => this.stream.close());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
  }

  /** The reading of what the page shows: while that is behind, the page is not live. */
  watch(reading) {
    this.reading = reading;
    reading.told = () => this.#say();
  }

  /** After a sleep nothing is as it was: a new stream, and everything is read again at once. */
  wake() {
    this.dispatchEvent(new CustomEvent("bell", { detail: { subject: null } }));
    this.reading?.doubt();
    this.#say();
    if (!this.candidate.leads) return this.#shown();
    this.stream.open();
    this.#ring(null);
  }

  /** The other tabs hear of it, too: one that hears nothing for long looks for itself. */
  #alive() {
    this.aliveAt = Date.now();
    this.channel.postMessage({ kind: "alive", position: this.stream.position });
  }

  /** No sign of life: whatever stands is as old as the last one, and the page says so. */
  #doubt() {
    if (this.state !== "live" || Date.now() - this.aliveAt < DEAD) return;
    this.#change("reconnecting");
    if (this.candidate.leads) this.stream.open();
    else this.candidate.usurp();
    this.pulse.again();
  }

  #lead() {
    clearInterval(this.polling);
    this.stream.open();
    this.#ring(null);
    this.polling = setInterval(() => this.#pollIfLost(), POLL);
  }

  #follow() {
    clearInterval(this.polling);
    this.stream.close();
  }

  #ring(subject) {
    this.#tellAll({ kind: "bell", subject });
    this.pulse.again();
  }

  async #readPulse() {
    try {
      const pulse = await readJson("/console/pulse");
      this.#tellAll({ kind: "pulse", pulse });
      this.#answered(pulse);
    } catch (fault) {
      if (this.state === "polling") this.#change("reconnecting");
      throw fault;
    }
  }

  /** The server answers. A stream that does not bring what has happened is dead. */
  #answered(pulse) {
    this.stream.position ??= pulse.number;
    if (this.state !== "live") {
      if (Date.now() - this.lostAt > PATIENCE) this.#change("polling");
      return;
    }
    setTimeout(() => {
      const stalled = this.candidate.leads && this.stream.position < pulse.number;
      if (!stalled || this.state !== "live") return;
      this.#change("reconnecting");
      this.stream.open();
    }, STALLED);
  }

  #pollIfLost() {
    if (this.state === "live" || Date.now() - this.lostAt < PATIENCE) return;
    this.#ring(null);
  }

  #change(state) {
    // What never stood cannot be lost: it is still being opened.
    if (state === "reconnecting" && this.state === "connecting") return;
    // Between two tries the browser's stream is merely lost; asking still works.
    if (state === "reconnecting" && this.state === "polling" && !this.pulse.underWay) return;
    if (this.state === "live" && state !== "live") this.lostAt = Date.now();
    const back = state === "live" && this.state !== "live";
    // The bell first: who hears it is live once it has read.
    if (back) this.#ring(null);
    this.#tellAll({ kind: "state", state });
  }

  #tellAll(message) {
    this.channel.postMessage({ ...message, position: this.stream.position });
    this.#take(message, this.candidate.leads);
  }

  #told(message) {
    if (message.kind === "who") return this.candidate.leads && this.#sayState();
    this.heardAt = this.aliveAt = Date.now();
    const newer = message.position > this.stream.position;
    if (newer) this.stream.position = message.position;
    // What rang before this tab could hear it.
    if (newer && message.kind === "state") this.#take({ kind: "bell", subject: null }, false);
    if (message.kind !== "alive") this.#take(message, false);
  }

  #sayState() {
    this.channel.postMessage({ kind: "state", state: this.state, position: this.stream.position });
  }

  #take(message, first) {
    if (message.kind === "state") return this.#stand(message.state);
    const detail = { bell: message, pulse: { pulse: message.pulse, first } };
    this.dispatchEvent(new CustomEvent(message.kind, { detail: detail[message.kind] }));
  }

  #stand(state) {
    if (state === "live" && this.state !== "live") this.reading?.doubt();
    this.state = state;
    this.#say();
  }

  #say() {
    const isBehind = this.state === "live" && this.reading?.isBehind;
    const old = this.said === "connecting" ? "connecting" : "reconnecting";
    const word = isBehind ? old : this.state;
    if (word === this.said) return;
    this.said = word;
    this.dispatchEvent(new CustomEvent("state", { detail: word }));
  }

  /** Looked at again: is there still somebody who listens for us? */
  #shown() {
    this.dispatchEvent(new CustomEvent("bell", { detail: { subject: null } }));
    if (this.candidate.leads) return this.#ring(null);
    const asked = Date.now();
    this.channel.postMessage({ kind: "who" });
    setTimeout(() => (this.heardAt ?? 0) < asked && this.candidate.usurp(), 2000);
  }

  #watchForSleep() {
    let last = Date.now();
    setInterval(() => {
      const slept = Date.now() - last;
      last = Date.now();
      this.#doubt();
      // Browsers slow the clocks of hidden pages down to one tick a minute.
      if (slept > (document.hidden ? SLEPT_HIDDEN : SLEPT)) this.wake();
    }, 1000);
  }
}

export const live = new Live();
