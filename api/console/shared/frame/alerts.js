// Chime and desktop notification, for calls that reach this person. Off until they turn it on.
// Each call rings once per browser: the tab that listens rings, and notes the call's number.

import { straight } from "../dom.js";

const STORE = "handoff.alerts";
let audio = null;

function chosen() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function choose(change) {
  localStorage.setItem(STORE, JSON.stringify({ ...chosen(), ...change }));
  showChoice();
}

/** Browsers play nothing before a person has touched the page. */
function wakeAudio() {
  if (!chosen().sound) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume().then(showChoice);
}

/** Two soft notes, a fifth apart: heard across a room, no alarm. */
function chime() {
  if (audio?.state !== "running") return;
  for (const [pitch, at] of [
    [587.33, 0],
    [880, 0.16],
  ]) {
    const start = audio.currentTime + at;
    const volume = new GainNode(audio, { gain: 0 });
    const note = new OscillatorNode(audio, { type: "sine", frequency: pitch });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.22, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 1.1);
    note.connect(volume).connect(audio.destination);
    note.start(start);
    note.stop(start + 1.2);
  }
  document.documentElement.dataset.chimes =
    Number(document.documentElement.dataset.chimes ?? 0) + 1;
}

function show(call) {
  if (!chosen().notify || globalThis.Notification?.permission !== "granted") return;
  try {
    const shown = new Notification(straight(`${call.caller} needs help`), {
      body: straight(`${call.title}\n${call.priority}, round ${call.round}`),
      tag: call.handoff_id,
    });
    shown.onclick = () => {
      window.focus();
      location.assign(`/handoffs/${call.handoff_id}`);
    };
  } catch {
    // Some phones allow notifications to apps alone.
  }
}

/** Rings for the calls that have not rung in this browser yet. The first look rings for nothing. */
export function ring(calls) {
  const key = `handoff.rung.${document.body.dataset.me}`;
  const stored = localStorage.getItem(key);
  const newest = Math.max(0, ...calls.map((call) => call.number));
  const fresh = calls.filter((call) => stored !== null && call.number > Number(stored));
  if (stored === null || newest > Number(stored)) localStorage.setItem(key, String(newest));
  if (!fresh.length) return;
  chime();
  fresh.forEach(show);
}

function showChoice() {
  const { sound, notify } = chosen();
  const button = document.getElementById("alerts");
  const asleep = sound && audio?.state !== "running";
  button.toggleAttribute("data-on", Boolean(sound || notify));
  const word = button.querySelector(".word");
  word.hidden = !asleep;
  word.textContent = "Click once for sound";
  document.getElementById("sound").checked = Boolean(sound);
  document.getElementById("notify").checked = Boolean(notify);
}

async function wantNotifications(wanted) {
  const note = document.getElementById("notify-note");
  note.textContent = "";
  if (wanted && (await globalThis.Notification?.requestPermission()) !== "granted") {
    note.textContent = "This browser does not allow notifications. Its settings for this site do.";
    wanted = false;
  }
  choose({ notify: wanted });
}

export function setUpAlerts() {
  const dialog = document.getElementById("alerts-dialog");
  document.getElementById("alerts").addEventListener("click", () => dialog.showModal());
  document.getElementById("sound").addEventListener("change", (event) => {
    choose({ sound: event.target.checked });
    wakeAudio();
  });
  document.getElementById("try-sound").addEventListener("click", () => {
    choose({ sound: true });
    wakeAudio();
    setTimeout(chime, 60);
  });
  document
    .getElementById("notify")
    .addEventListener("change", (event) => wantNotifications(event.target.checked));
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, wakeAudio);
  addEventListener("storage", showChoice);
  if (chosen().sound) audio = new AudioContext();
  showChoice();
}
