// The SharedWorker of the live stream: a page of this browser is a port.
import { LiveHub, type Said, type Told } from "./live-hub.ts";

const hub = new LiveHub();

(globalThis as unknown as { onconnect(event: MessageEvent): void }).onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  const hear = hub.connect((told: Told) => port.postMessage(told));
  port.onmessage = (message: MessageEvent<Said>) => hear(message.data);
};
