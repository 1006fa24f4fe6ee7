// Pages and their files, kept for when there is no network. Network first.
const CACHE = "{{ cache }}";
const FILES = {{ files|safe }};

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  // What asks whether something is new is never kept.
  if (request.method !== "GET" || request.url.includes("pulse")) return;
  event.respondWith(
    fetch(request)
      .then((answer) => {
        if (answer.ok && !answer.redirected) {
          const copy = answer.clone();
          caches.open(CACHE).then((cache) => cache.put(request, copy));
        }
        return answer;
      })
      .catch(() => caches.match(request, { ignoreVary: true })
        .then((kept) => kept ?? caches.match(request, { ignoreVary: true, ignoreSearch: true }))
        .then((kept) => kept ?? Response.error())),
  );
});
