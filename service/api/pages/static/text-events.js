// The events of a text's stream. One that breaks off goes on after its last event, with the version and the seed that it
// began with.

import { events, passing } from "./api.js";

export const LOST = "The connection was lost. The text goes on when the service is back …";

const RETRIES = 12;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

/** `{id, kind, data}` of each event of `POST /generate`. A stream is given up after RETRIES times without a new one;
    `lost` is called each time. */
export async function* textEvents(body, signal, lost) {
  const asked = { ...body, stream: true };
  let last = "";
  let failures = 0;
  while (true) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      for await (const event of events("/generate", { json: asked, headers, signal })) {
        [last, failures] = [event.id, 0];
        pin(asked, event.data);
        yield event;
      }
      return;
    } catch (error) {
      failures += 1;
      if (!last || failures > RETRIES || !passing(error)) throw error;
    }
    lost();
    await new Promise((resolve) => setTimeout(resolve, Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS)));
    signal.throwIfAborted();
  }
}

function pin(asked, { model, version, seed, index }) {
  if (index !== undefined) Object.assign(asked, { model: `${model}@${version}`, seed: seed - index });
}
