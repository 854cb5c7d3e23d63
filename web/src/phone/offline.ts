// The service worker of the phone pages (service-worker.js): a repeated visit comes from the cache.
import { ownScript } from "./own-script.ts";

/** A new release has taken over while this page is open: it is loaded anew, unless somebody is in the
 *  middle of something. */
function takeNewRelease(): void {
  const busy =
    document.querySelector("video, [data-busy]") !== null ||
    document.activeElement instanceof HTMLInputElement ||
    document.activeElement instanceof HTMLTextAreaElement;
  if (!busy) location.reload();
}

export function keepForOffline(): void {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container || import.meta.env.DEV) return; // over plain http there is none
  const had = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (had) takeNewRelease();
  });
  container
    .register(ownScript("/phone-worker.js") as string, { updateViaCache: "none" })
    .catch(() => {}); // then each visit goes to the server
}
