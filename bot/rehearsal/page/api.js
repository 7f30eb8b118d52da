// Asking the rehearsal, and hearing when something changed.

/** Said wherever the rehearsal has gone away. */
export const LOST = "The rehearsal does not answer. Start onequeue try again; this page then goes on by itself.";

async function answered(request) {
  const response = await request.catch(() => null);
  if (!response) throw new Error(LOST);
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new Error(body.error ?? `The rehearsal answered ${response.status}. Try again.`);
}

export async function get(path) {
  return answered(fetch(path, { cache: "no-store" }));
}

export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return answered(fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** At most one run at a time; calls during a run make one more run after it. */
export function coalesced(run) {
  let running = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    try {
      while (wanted) {
        wanted = false;
        await run();
      }
    } finally {
      running = false;
    }
  };
}

/** Calls `changed` at every change, `lost` when the line breaks. The browser reconnects by itself. */
export function follow(changed, lost) {
  const source = new EventSource("/_sim/events");
  source.addEventListener("change", changed);
  source.addEventListener("error", lost);
}
