// A page that says what is away: it looks again by itself, and opens what was asked for once that
// is back.

import { loadAnewOnReturn } from "../back.js";

loadAnewOnReturn();

const AT_LEAST = 3;

const link = document.getElementById("again");
const seconds = Math.max(Number(link.dataset.seconds), AT_LEAST);

async function isBack() {
  try {
    const answer = await fetch(link.href, {
      headers: { Accept: "text/html" },
      redirect: "manual",
      signal: AbortSignal.timeout(8000),
    });
    return answer.status < 500 && answer.status !== 429;
  } catch {
    return false;
  }
}

async function look() {
  if (!document.hidden && (await isBack())) location.replace(link.href);
  else later();
}

function later() {
  // Many pages wait for the same: they do not all come in the same moment.
  setTimeout(look, seconds * 1000 * (0.8 + Math.random() * 0.4));
}

later();
