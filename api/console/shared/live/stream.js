// One EventSource: opens it, hears every event once, says how it stands. Knows nothing of tabs.

/**
 * Tells `on.event({number, type, subject})`, `on.resync()`, `on.rights()`, `on.state(word)`, and
 * `on.life(number)` at every sign of life, with the newest number that the server knows of.
 */
export class Stream {
  constructor(position, types, on) {
    this.position = position;
    this.types = types;
    this.on = on;
    this.source = null;
    this.again = 0;
  }

  open() {
    this.close();
    const from = this.position === null ? "" : `&last_event_id=${this.position}`;
    const source = new EventSource(`/events?beat=true${from}`);
    this.source = source;
    source.onopen = () => {
      this.on.life(this.position);
      this.on.state("live");
    };
    source.addEventListener("beat", (event) => this.on.life(JSON.parse(event.data).number));
    source.onerror = () => this.#lost(source);
    source.addEventListener("resync", (event) => this.#resync(JSON.parse(event.data)));
    source.addEventListener("bye", (event) => this.#bye(JSON.parse(event.data)));
    for (const type of this.types)
      source.addEventListener(type, (event) => this.#hear(type, event));
  }

  close() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  #hear(type, event) {
    const number = Number(event.lastEventId);
    this.on.life(number);
    // The same number again is the same event again.
    if (!(number > this.position)) return;
    this.position = number;
    this.on.event({ number, type, subject: JSON.parse(event.data).subject });
  }

  #resync(data) {
    this.position = data.number;
    this.on.resync();
  }

  #bye(data) {
    if (data.reason === "rights") this.on.rights();
    this.#openAgain(300 + Math.random() * 700);
  }

  #lost(source) {
    if (source !== this.source) return;
    this.on.state("reconnecting");
    // The browser itself tries again, unless the answer was not a stream at all.
    if (source.readyState === EventSource.CLOSED) this.#openAgain(3000 + Math.random() * 2000);
  }

  #openAgain(pause) {
    this.close();
    this.on.state("reconnecting");
    this.again = setTimeout(() => this.open(), pause);
  }
}
