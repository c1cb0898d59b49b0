// Shows what has come since: asks every few seconds how much there is, and reloads for more.

const EVERY = 3000;
const { newest } = document.body.dataset;

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`/api/messages?after=${newest}`);
    if ((await answer.json()).length) location.reload();
  } catch {
    // The catcher is away; the list stays as it was.
  }
}

setInterval(ask, EVERY);
