// Keeps the phone pages of one release: documents and their scripts, nothing else. Answers of the API
// never pass through here, so that nobody's are kept for another. The build puts in what the release
// is made of (vite.config.mjs).
const release = "3a7a26974183";
/** Documents by the path that they are shown at, and hashed files. */
const kept = new Set(["/me","/scan","/staff","/public","/assets/base-DKDK_mXw.js","/assets/city-clock-DyFRJz0A.js","/assets/decoder-BaaIz0YX.js","/assets/entrance-B9Yt8iFK.js","/assets/family-D8jaEU7B.js","/assets/frame-DPL6MV3T.js","/assets/icons-B-TsFmYa.js","/assets/me-DQb_xx4e.js","/assets/public-tgrcUnec.js","/assets/scan-BacphTsr.js","/assets/staff-8SUJkpqc.js","/assets/typed-DAwgyYrv.js","/icon.svg"]);

const cacheName = `chengmai-phone-${release}`;

async function fill() {
  const cache = await caches.open(cacheName);
  await cache.addAll([...kept].map((path) => new Request(path, { cache: "no-cache" })));
}

async function takeOver() {
  for (const name of await caches.keys())
    if (name.startsWith("chengmai-phone-") && name !== cacheName) await caches.delete(name);
  await self.clients.claim();
}

async function answer(request, path) {
  const cache = await caches.open(cacheName);
  return (await cache.match(path)) ?? fetch(request);
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(fill());
});
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method === "GET" && address.origin === location.origin && kept.has(address.pathname))
    event.respondWith(answer(request, address.pathname));
});
