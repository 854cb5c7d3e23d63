// Keeps the phone pages of one release: documents and their scripts, nothing else. Answers of the API
// never pass through here, so that nobody's are kept for another. The build puts in what the release
// is made of (vite.config.mjs).
const release = "a530193bcef1";
/** Documents by the path that they are shown at, and hashed files. */
const kept = new Set(["/me","/scan","/staff","/public","/assets/base-B3BQY5P5.js","/assets/city-clock-E76bgX-t.js","/assets/decoder-BaaIz0YX.js","/assets/entrance-fOVk7ERe.js","/assets/family-BMLRroDI.js","/assets/frame-D27yfbru.js","/assets/icons-Cu5UPhfi.js","/assets/me-DzZ4SBQp.js","/assets/public-eNrKzXIc.js","/assets/scan-DirZZiDo.js","/assets/staff-B_f4K7Gg.js","/assets/typed-B41gm8Dc.js","/icon.svg"]);

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
